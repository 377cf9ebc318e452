"""model_graph: what the layers of a model are called on, and what follows."""

from __future__ import annotations

import collections
import collections.abc
import functools
import logging
import typing

import keras

from tfprune.graph import calls as calls_lib
from tfprune.graph import fixed_sizes
from tfprune.graph import nodes as nodes_lib
from tfprune.graph import traversal
from tfprune.layers import prunable
from tfprune.utils import layer_names

_LOGGER = logging.getLogger("tfprune")


class Addition(typing.NamedTuple):
    """An `Add` layer that is called once, on two tensors of equal shape.

    Args:
        layer: The layer.
        sources: For each of the two: the layer that it comes from, if that is
            called once, on one tensor, and nothing else takes it; else None.
    """

    layer: keras.layers.Add
    sources: list


class ModelGraph:
    """The graph of a model and of those nested in it, each read once.

    Verbs build it once and hand it on: what they ask of it is read when it is
    asked first, and kept. It must not outlive a change of the model's layers.

    Args:
        model: Keras model. Of a subclassed one, which has no graph, only the
            Sequential and Functional models inside of it are read.
        shapes: As `fixed_sizes.shapes` takes them.
    """

    def __init__(self, model: keras.Model, shapes: list | None = None):
        self.model = model
        self._given = shapes
        self._nodes: dict[int, nodes_lib.Nodes] = {}

    def nodes(self, model: keras.Model) -> nodes_lib.Nodes:
        """The graph of the model itself, or of one nested in it."""
        if id(model) not in self._nodes:
            self._nodes[id(model)] = nodes_lib.Nodes(model)
        return self._nodes[id(model)]

    @functools.cached_property
    def models(self) -> list[keras.Model]:
        """The Sequential and Functional models in it, itself included."""
        found = [self.model, *traversal.walk(self.model)]
        return [x for x in found if traversal.is_container(x)]

    @property
    def leaves_open(self) -> bool:
        """Whether a size of its inputs, beside that of the batch, is open."""
        inputs = getattr(self.model, "inputs", None) or ()
        return any(None in x.shape[1:] for x in inputs)

    @functools.cached_property
    def shapes(self) -> list[tuple]:
        """The shapes of inputs that costs and times are those of."""
        return fixed_sizes.shapes(self.model, self._given)

    @property
    def assumption(self) -> str:
        """What counts of MACs take for granted; "" for nothing."""
        if not self.leaves_open:
            return ""
        shapes = ", ".join(map(str, self.shapes))
        return (
            f"MACs are those of inputs of shape {shapes}: {self.model.name} "
            "leaves sizes open. Give it inputs of fixed shape for others."
        )

    @functools.cached_property
    def leaves(self) -> list[keras.layers.Layer]:
        """The layers of nested models, each once, in order."""
        return traversal.leaves(self.model)

    @functools.cached_property
    def paths(self) -> dict[int, str]:
        """Id of each of `leaves` to the names around it and its own."""
        found: dict[int, str] = {}
        for path, layer in traversal.paths(self.model):
            found.setdefault(id(layer), path)
        return {id(x): found[id(x)] for x in self.leaves}

    @functools.cached_property
    def names(self) -> dict[int, str]:
        """Id of each of `leaves` to the end of its path that no other has."""
        names = layer_names.shortest(list(self.paths.values()))
        return dict(zip(self.paths, names, strict=True))

    @functools.cached_property
    def calls(self) -> dict[int, list]:
        """Id of a layer to a list of input shapes, or None, for each call.

        A layer in a model that is called twice is called twice as often. None
        stands for unknown shapes, as in Sequential models. Sizes that the model
        leaves open are those of `shapes`.
        """
        found = self._symbolic_calls()
        is_read = traversal.is_container(self.model) and self.model.built
        if not is_read or fixed_sizes.are_known(found):
            return found
        shapes = self.shapes
        try:
            return fixed_sizes.calls(self, shapes)
        except Exception as error:  # Of whatever kind layers raise.
            _LOGGER.info("sizes of %r stay open: %s", self.model.name, error)
        return found

    @functools.cached_property
    def sole_followers(self) -> dict[int, keras.Operation]:
        """Id of a layer that is called once to what alone takes its output.

        That is a layer, or another operation, which is called once, too, on one
        tensor.
        """
        return {
            id(source): target
            for model in self.models
            for source, target in self.nodes(model).edges
            if self._is_chained(model, source)
            and target is not None
            and self._is_chained(model, target, is_target=True)
        }

    @functools.cached_property
    def additions(self) -> list[Addition]:
        """The additions of the model and of those in it."""
        return [
            found
            for model in self.models
            for layer in model.layers
            if type(layer) is keras.layers.Add
            for found in self._addition(model, layer)
        ]

    def follow(
        self,
        inputs: list,
        step: collections.abc.Callable[[calls_lib.Call], list],
    ) -> list:
        """Walks through the model in order, nested ones at each of their calls.

        Args:
            inputs: List of what is known of each tensor that the model takes.
            step: Callable `Call -> list`: what is known of each tensor that
                the call gives, from what is known of those it takes. It gets
                the input layers, too, with what is known as their `inputs`.

        Returns:
            List of what is known of each tensor that the model gives.
        """
        return self._follow(self.model, inputs, step, "")

    def _follow(self, model, inputs, step, above):
        graph = self.nodes(model)
        values, left = {}, graph.uses
        for key, value in zip(graph.inputs, inputs, strict=True):
            (values[key],) = step(graph.call(graph.input(key), [value], above))
        for node in graph.nodes:
            given = [values[x.key] for x in node.tensors]
            call = graph.call(node, given, above)
            left.subtract(x.key for x in node.tensors)
            for tensor in node.tensors:
                if not left[tensor.key]:
                    values.pop(tensor.key, None)
            if traversal.is_container(node.operation):
                below = f"{call.where}/"
                given = self._follow(node.operation, call.inputs, step, below)
            else:
                given = step(call)
            for index, value in enumerate(given):
                values[(*node.key, index)] = value
        return [values[key] for key in graph.outputs]

    def _symbolic_calls(self):
        found: dict[int, list] = {}
        self._record(self.model, 1, found)
        for model in self.models:
            if id(model) not in found:
                self._record(model, 1, found)
        return found

    def _record(self, model, times, found):
        """Adds the calls of a model's layers, `times` over, to `found`."""
        found.setdefault(id(model), [])
        graph = self._graph_of(model)
        for layer in model.layers:
            mine = (graph.calls[id(layer)] if graph else [None]) * times
            if traversal.is_container(layer):
                self._record(layer, len(mine), found)
            else:
                is_wrapped = isinstance(layer, prunable.Prunable)
                inner = layer.layer if is_wrapped else layer
                found.setdefault(id(inner), []).extend(mine)

    def _graph_of(self, model):
        # Sequential models run on other sizes than those they were built on.
        is_chain = isinstance(model, keras.Sequential)
        if is_chain or not traversal.is_container(model):
            return None
        return self.nodes(model)

    @functools.cached_property
    def _places(self):
        """Id of a layer or operation to the number of models that it is in."""
        return collections.Counter(
            id(operation)
            for model in self.models
            for operation in getattr(model, "operations", model.layers)
        )

    @functools.cached_property
    def _degrees(self):
        """For each model, the numbers of tensors taken of and by operations."""
        return {
            id(model): (
                collections.Counter(id(x) for x, _ in self.nodes(model).edges),
                collections.Counter(id(x) for _, x in self.nodes(model).edges),
            )
            for model in self.models
        }

    def _is_chained(self, model, layer, is_target=False):
        """Whether a layer's one output goes, or its one input comes, alone."""
        given, taken = self._degrees[id(model)]
        degree = taken if is_target else given
        return (
            self._places[id(layer)] == degree[id(layer)] == 1
            and len(self.nodes(model).calls[id(layer)]) <= 1
        )

    def _addition(self, model, layer):
        graph = self.nodes(model)
        if self._places[id(layer)] > 1 or not _are_alike(
            graph.calls[id(layer)]
        ):
            return []
        sources = [source for source, to in graph.edges if to is layer]
        return [Addition(layer, [self._source(model, x) for x in sources])]

    def _source(self, model, operation):
        ends = (False, True)
        alone = all(self._is_chained(model, operation, x) for x in ends)
        return operation if alone else None


def _are_alike(calls):
    """Tells whether there is one call, on two tensors of equal, fixed shape."""
    if [len(shapes) for shapes in calls] != [2]:
        return False
    ((one, two),) = calls
    return one == two and None not in one[1:]


def built_on(layer: keras.layers.Layer) -> list[tuple]:
    """The input shapes that a layer was built on."""
    config = layer.get_build_config() or {}
    shapes = config.get("shapes_dict", config)
    return [first(shape) for shape in shapes.values() if shape]


def first(shape) -> tuple:
    """The first shape, where there are several."""
    several = isinstance(shape[0], (list, tuple))
    return first(shape[0]) if several else tuple(shape)


def conv_groups(model: keras.Model) -> dict[str, int]:
    """Finds the grouped convolutions of a model.

    Args:
        model: Keras model, built.

    Returns:
        Dict, name of a layer to the number of its groups.
    """
    return {
        layer.name: layer.groups
        for layer in traversal.walk(model)
        if getattr(layer, "groups", 1) > 1 and hasattr(layer, "kernel_size")
    }
