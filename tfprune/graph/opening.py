"""opening: layers of a user's own become the graph of the layers in them."""

from __future__ import annotations

import dataclasses
import functools
import logging

import keras

from tfprune import backend
from tfprune.graph import calls
from tfprune.graph import cloning
from tfprune.graph import configs
from tfprune.graph import model_graph
from tfprune.graph import nodes
from tfprune.graph import open_sizes
from tfprune.graph import own_tensors
from tfprune.graph import symbolic_calls
from tfprune.graph import traversal

_KNOWN = ("keras", "tfprune")


@dataclasses.dataclass(frozen=True, eq=False)
class Opened:
    """A model whose composite layers are Functional models.

    Args:
        model: Keras model: a clone, or the model itself where nothing was
            opened.
        names: List of the names of the layers that are opened.
        originals: Dict, id of a variable of the clone to that of the model,
            which may have axes of size 1 before its others.
    """

    model: keras.Model
    names: list[str]
    originals: dict

    def original(self, variable):
        """The variable of the model that one of the clone stands for."""
        return self.originals.get(id(variable), variable)


def open_composites(
    model: keras.Model, keep=None, tables=own_tensors.symbolic, also=()
) -> Opened:
    """A clone in which layers made of Keras' own ones are Functional models.

    Such a layer, a block of KerasHub or of the user, hides from the graph what
    it calls. Its `call` is run on symbolic tensors instead. It stays as it is
    where that fails, as with operations that are not those of Keras (the logger
    `tfprune` says why), or where its calls differ in more than the tensors.

    Args:
        model: Sequential or Functional model, built.
        keep: Callable `layer -> bool`: which layers stay as they are. Defaults
            to None: no other ones.
        tables: Callable `(layer, inputs) -> context`: how weights come into
            the graph that a layer's own code computes with. Defaults to
            `own_tensors.symbolic`; `own_tensors.none`: they do not, and such
            layers stay as they are.
        also: Tuple of classes of Keras that are opened, too, where they take
            no masks of Keras. Defaults to none.
    """
    return _Opening(keep or (lambda layer: False), tables, also).of(model)


class _Opening:
    """Opens the layers of one model, and what is in them.

    Args:
        keep: Callable `layer -> bool`.
        tables: As `open_composites` takes it.
        also: As `open_composites` takes it.
    """

    def __init__(self, keep, tables, also):
        self._keep, self._tables, self._also = keep, tables, also
        self._names: list[str] = []
        self._weights: dict = {}  # Id of a table to what it stands for.
        self._originals: dict = {}
        self._several: set[int] = set()  # Ids of models of several tensors.
        self._inlined: set[int] = set()  # Ids of layers whose operations are.

    def of(self, model):
        """What `open_composites` returns."""
        if not self._calls(model):
            return Opened(model, [], {})
        clone = self._clone(model)
        if not self._names:
            return Opened(model, [], {})
        return Opened(clone, self._names, self._originals)

    def _clone(self, model):
        """A clone whose composite layers are opened, and those in them."""
        calls_of = self._calls(model)

        def make(layer):
            if not layer.variables and not configs.is_sound(layer):
                self._inlined.add(id(layer))
                return layer
            how = calls_of.get(id(layer))
            opened = self._opened(layer, *how) if how else None
            return self._copied(layer) if opened is None else opened

        return cloning.clone(model, lambda _, made: made, self._call, make)

    def _copied(self, layer):
        copied = cloning.copy(layer)
        for old, new in zip(layer.variables, copied.variables, strict=True):
            self._originals[id(new)] = self._weights.get(id(old), old)
        return copied

    def _opened(self, layer, args, kwargs):
        """A Functional model of copies of what a layer calls, or None."""
        with (
            nodes.forgotten(traversal.walk(layer)),
            symbolic_calls.lenient(layer),
        ):
            inner = self._as_model(layer, args, kwargs)
            if inner is None:
                return None
            self._names.append(layer.name)
            inner = self._clone(inner)
        if len(inner.inputs) > 1:
            self._several.add(id(inner))
        return inner

    def _call(self, layer, *args, **kwargs):
        if id(layer) in self._inlined:
            try:
                with open_sizes.known():
                    return layer.call(*args, **kwargs)
            except Exception as error:  # Whatever a user's code does.
                _closed(layer, error)
        if id(layer) not in self._several:
            return layer(*args, **kwargs)
        leaves = keras.tree.flatten((args, kwargs))
        return layer([x for x in leaves if isinstance(x, keras.KerasTensor)])

    def _calls(self, model):
        """Id of each layer that may be opened to its arguments."""
        graph = model_graph.ModelGraph(model)
        candidates = {
            id(x)
            for x in graph.leaves
            if self._is_composite(x)
            and not (self._keep(x) and configs.is_sound(x))
        }
        found: dict[int, list] = {}
        for one in graph.models if candidates else ():
            for node in graph.nodes(one).nodes:
                if id(node.operation) in candidates:
                    how = node.args, node.kwargs
                    found.setdefault(id(node.operation), []).append(how)
        return {
            key: first
            for key, (first, *others) in found.items()
            if all(_form(x) == _form(first) for x in others)
        }

    def _is_composite(self, layer):
        if isinstance(layer, self._also):
            return not nodes.takes_masks(layer)
        return _is_composite(layer)

    def _as_model(self, layer, args, kwargs):
        """A Functional model of what a layer calls itself, or None."""
        inputs: list = []

        def put(leaf):
            if not isinstance(leaf, calls.Tensor):
                return leaf
            inputs.append(keras.Input(batch_shape=leaf.shape, dtype=leaf.dtype))
            return inputs[-1]

        args, kwargs = keras.tree.map_structure(put, (args, kwargs))
        try:
            with open_sizes.known(), self._tables(layer, inputs) as tables:
                outputs = layer.call(*args, **kwargs)
            outputs = keras.tree.map_structure(
                functools.partial(own_tensors.given, inputs=inputs), outputs
            )
            taken = inputs if len(inputs) > 1 else inputs[0]
            model = keras.Model(taken, outputs, name=layer.name)
        except Exception as error:  # Whatever a user's code does.
            return _closed(layer, error)
        nodes.drop_nothing(model)
        model.trainable = model.trainable and layer.trainable
        own = {id(tables.get(id(x), x)): x for x in layer.variables}
        if own.keys() != {id(variable) for variable in model.variables}:
            return _closed(layer, "it computes with weights of its own")
        self._weights.update(own)
        return model


def _closed(layer, reason):
    logging.getLogger("tfprune").info(
        "layer %r is not opened: %s", layer.name, reason
    )


def _form(how):
    """Arguments, with shapes in the place of tensors."""
    leaves = keras.tree.flatten(how)
    return [x.shape if isinstance(x, calls.Tensor) else x for x in leaves]


def _is_composite(layer):
    """Whether a layer that is not of Keras has others in it."""
    if type(layer).__module__.split(".")[0] in _KNOWN:
        return False
    is_nest = bool(backend.sublayers(layer)) and bool(layer.weights)
    return is_nest or not configs.is_sound(layer)
