"""opening: layers of a user's own become the graph of the layers in them."""

from __future__ import annotations

import dataclasses
import logging

import keras

from tfprune import backend
from tfprune.graph import calls
from tfprune.graph import cloning
from tfprune.graph import model_graph

_KNOWN = ("keras", "tfprune")


@dataclasses.dataclass(frozen=True, eq=False)
class Opened:
    """A model whose composite layers are Functional models.

    Args:
        model: Keras model: a clone, or the model itself where nothing was
            opened.
        names: List of the names of the layers that are opened.
        originals: Dict, id of a variable of the clone to that of the model.
    """

    model: keras.Model
    names: list[str]
    originals: dict

    def original(self, variable):
        """The variable of the model that one of the clone stands for."""
        return self.originals.get(id(variable), variable)


def open_composites(model: keras.Model) -> Opened:
    """A clone in which layers made of Keras' own ones are Functional models.

    Such a layer, a block of KerasHub or of the user, hides from the graph what
    it calls. Its `call` is run on symbolic tensors instead. It stays as it is
    where that fails, as with operations that are not those of Keras (the logger
    `tfprune` says why), or where it is called on more than one tensor or shape.

    Args:
        model: Sequential or Functional model, built.
    """
    opened: list[str] = []
    originals: dict = {}
    shapes = _shapes(model)

    def replace(layer, copied):
        pairs = zip(layer.variables, copied.variables, strict=True)
        originals.update({id(new): old for old, new in pairs})
        return _opened(copied, shapes.get(id(layer)), opened)

    clone = cloning.clone(model, replace) if shapes else model
    if not opened:
        return Opened(model, [], {})
    return Opened(clone, opened, originals)


def _opened(layer, shape, opened):
    """A Functional model of what a layer calls, or the layer itself.

    Args:
        layer: Keras layer or operation.
        shape: What it takes, or None for one that is not opened.
        opened: List of the names of opened layers, which grows.
    """
    inner = None if shape is None else _as_model(layer, shape)
    if inner is None:
        return layer
    opened.append(layer.name)
    shapes = _shapes(inner)
    if not shapes:
        return inner
    # What is inside belongs to a copy already.
    return keras.models.clone_model(
        inner,
        clone_function=lambda x: _opened(x, shapes.get(id(x)), opened),
    )


def _shapes(model):
    """Id of each layer that may be opened to the shape that it takes."""
    graph = model_graph.ModelGraph(model)
    candidates = {id(x) for x in graph.leaves if _is_composite(x)}
    found: dict[int, tuple | None] = {}
    for one in graph.models if candidates else ():
        for node in graph.nodes(one).nodes:
            key, shape = id(node.operation), _shape(node)
            if key in candidates:
                alike = found.get(key, shape) == shape
                found[key] = shape if alike else None
    return {key: shape for key, shape in found.items() if shape}


def _is_composite(layer):
    own = type(layer).__module__.split(".")[0] in _KNOWN
    return not own and bool(backend.sublayers(layer)) and bool(layer.weights)


def _shape(node):
    """The shape that a layer takes, if that is one tensor and nothing else."""
    alone = len(node.args) == 1 and isinstance(node.args[0], calls.Tensor)
    return node.args[0].shape if alone and not node.kwargs else None


def _as_model(layer, shape):
    """A Functional model of what a layer calls, or None."""
    inputs = keras.Input(batch_shape=shape, dtype=layer.compute_dtype)
    try:
        model = keras.Model(inputs, layer.call(inputs), name=layer.name)
    except Exception as error:  # Whatever user code does with symbolic tensors.
        logging.getLogger("tfprune").info(
            "layer %r is not opened: %s", layer.name, error
        )
        return None
    if not layer.trainable:
        model.trainable = False
    own, inside = (
        {id(variable) for variable in x.variables} for x in (layer, model)
    )
    return model if own == inside else None
