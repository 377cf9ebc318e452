"""opening: layers of a user's own become the graph of the layers in them."""

from __future__ import annotations

import dataclasses
import logging

import keras

from tfprune import backend
from tfprune.graph import calls
from tfprune.graph import cloning
from tfprune.graph import model_graph
from tfprune.graph import open_sizes
from tfprune.graph import own_tensors

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
    model: keras.Model, keep=None, tables=own_tensors.symbolic
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
    """
    return _Opening(keep or (lambda layer: False), tables).of(model)


class _Opening:
    """Opens the layers of one model, and what is in them.

    Args:
        keep: Callable `layer -> bool`.
        tables: As `open_composites` takes it.
    """

    def __init__(self, keep, tables):
        self._keep, self._tables = keep, tables
        self._names: list[str] = []
        self._originals: dict = {}
        self._several: set[int] = set()  # Ids of models of several tensors.

    def of(self, model):
        """What `open_composites` returns."""
        calls_of = self._calls(model)

        def replace(layer, copied):
            pairs = zip(layer.variables, copied.variables, strict=True)
            self._originals.update({id(new): old for old, new in pairs})
            return self._opened(copied, calls_of.get(id(layer)))

        if calls_of:
            clone = cloning.clone(model, replace, self._call)
        if not self._names:
            return Opened(model, [], {})
        return Opened(clone, self._names, self._originals)

    def _opened(self, layer, how):
        """A Functional model of what a layer calls, or the layer itself.

        Args:
            layer: Keras layer or operation.
            how: Arguments that it takes, or None for one that is not opened.
        """
        inner, tables = (
            (None, {}) if how is None else self._as_model(layer, *how)
        )
        if inner is None:
            return layer
        self._names.append(layer.name)
        for variable in layer.variables:
            if id(variable) in tables:
                original = self._originals.get(id(variable), variable)
                self._originals[id(tables[id(variable)])] = original
        calls_of = self._calls(inner)
        if calls_of:
            # What is inside belongs to a copy already.
            inner = keras.models.clone_model(
                inner,
                clone_function=lambda x: self._opened(x, calls_of.get(id(x))),
                call_function=self._call,
            )
        if len(inner.inputs) > 1:
            self._several.add(id(inner))
        return inner

    def _call(self, layer, *args, **kwargs):
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
            if _is_composite(x) and not self._keep(x)
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

    def _as_model(self, layer, args, kwargs):
        """A Functional model of what a layer calls, or None, and its tables.

        They are as `own_tensors.symbolic` yields them.
        """
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
            taken = inputs if len(inputs) > 1 else inputs[0]
            model = keras.Model(taken, outputs, name=layer.name)
        except Exception as error:  # Whatever a user's code does.
            logging.getLogger("tfprune").info(
                "layer %r is not opened: %s", layer.name, error
            )
            return None, {}
        if not layer.trainable:
            model.trainable = False
        own = {id(tables.get(id(x), x)) for x in layer.variables}
        inside = {id(variable) for variable in model.variables}
        return (model, tables) if own == inside else (None, {})


def _form(how):
    """Arguments, with shapes in the place of tensors."""
    leaves = keras.tree.flatten(how)
    return [x.shape if isinstance(x, calls.Tensor) else x for x in leaves]


def _is_composite(layer):
    own = type(layer).__module__.split(".")[0] in _KNOWN
    return not own and bool(backend.sublayers(layer)) and bool(layer.weights)
