"""wiring: which operation is called on what, as a model's config has it."""

from __future__ import annotations

import collections
import collections.abc
import dataclasses
import typing

import keras

from tfprune.graph import traversal


@dataclasses.dataclass(frozen=True)
class Tensor:
    """What a call takes.

    Args:
        key: Tuple: name of the operation that it comes from, number of that
            operation's call, number of the tensor that this call gave.
        shape: Tuple, None for a size that is not fixed; batch first.
    """

    key: tuple
    shape: tuple


@dataclasses.dataclass(frozen=True)
class Call:
    """One call of one operation.

    Args:
        operation: Keras layer or operation.
        where: String, its name, that of nested models before it.
        args: Nested structure with a `Tensor` for each tensor.
        kwargs: Dict of the same.
        inputs: List of what a follower knows of each tensor in them.
        shapes: List of the shapes of what it gives. None where unused.
    """

    operation: typing.Any
    where: str
    args: typing.Any
    kwargs: dict
    inputs: list
    shapes: list

    @property
    def kind(self) -> str:
        """The name of the operation's class."""
        return type(self.operation).__name__

    @property
    def tensors(self) -> list[Tensor]:
        """The tensors that it takes, in order."""
        return _tensors((self.args, self.kwargs))

    def __call__(self, values: list) -> list:
        """Returns what the operation gives for other tensors."""
        left = iter(values)

        def put(leaf):
            return next(left) if isinstance(leaf, Tensor) else leaf

        args, kwargs = keras.tree.map_structure(put, (self.args, self.kwargs))
        return keras.tree.flatten(self.operation(*args, **kwargs))


def follow(
    model: keras.Model, inputs: list, step: collections.abc.Callable
) -> list:
    """Walks through a model in order, nested models each time they are called.

    Args:
        model: Sequential or Functional model.
        inputs: List of what is known of each tensor that it takes.
        step: Callable `Call -> list`: what is known of each tensor that the
            call gives, from what is known of those it takes. It gets the
            input layers, too, with what is known as their `inputs`.

    Returns:
        List of what is known of each tensor that the model gives.
    """
    return _follow(model, inputs, step, "")


def operations(model: keras.Model) -> list:
    """Returns the layers and operations of a model's own graph."""
    return _functional(model).operations


def _follow(model, inputs, step, above):
    graph = _Graph(model)
    values = {}
    for key, value in zip(graph.inputs, inputs, strict=True):
        call = graph.call(key[:2], above, (), {}, [value])
        values[key] = step(call)[0]
    for node, args, kwargs in graph.calls():
        known = [values[tensor.key] for tensor in _tensors((args, kwargs))]
        call = graph.call(node, above, args, kwargs, known)
        if traversal.is_container(call.operation):
            given = _follow(call.operation, known, step, f"{call.where}/")
        else:
            given = step(call)
        for index, value in enumerate(given):
            values[(*node, index)] = value
    return [values[key] for key in graph.outputs]


class _Graph:
    """The config of one model, read. A node is one call of one operation."""

    def __init__(self, model):
        model = _functional(model)
        config = model.get_config()
        self._operations = {x.name: x for x in model.operations}
        self.inputs = _keys(config["input_layers"])
        self.outputs = list(map(self._counted, _keys(config["output_layers"])))
        self._nodes = [
            ((layer["name"], number), *_arguments(call))
            for layer in config["layers"]
            for number, call in enumerate(layer["inbound_nodes"])
        ]
        self._shapes = collections.defaultdict(dict)
        ends = keras.tree.flatten([model.inputs, model.outputs])
        for key, end in zip(self.inputs + self.outputs, ends, strict=True):
            self._shapes[key[:2]][key[2]] = tuple(end.shape)
        for _, args, kwargs in self._nodes:
            for tensor in _tensors((args, kwargs)):
                self._shapes[tensor.key[:2]][tensor.key[2]] = tensor.shape

    def calls(self):
        """Yields the nodes, each after those whose tensors it takes."""
        done, left = {key[:2] for key in self.inputs}, self._nodes
        while left:
            waiting = []
            for node, args, kwargs in left:
                if {x.key[:2] for x in _tensors((args, kwargs))} <= done:
                    done.add(node)
                    yield node, args, kwargs
                else:
                    waiting.append((node, args, kwargs))
            if len(waiting) == len(left):
                raise RuntimeError(
                    "The calls in the config of a model must follow from its "
                    f"inputs. Received: {[node for node, *_ in waiting]}, "
                    "which do not, in this version of Keras."
                )
            left = waiting

    def call(self, node, above, args, kwargs, known):
        used = self._shapes[node]
        shapes = [used.get(i) for i in range(max(used, default=-1) + 1)]
        name, _ = node
        operation = self._operations[name]
        return Call(operation, above + name, args, kwargs, known, shapes)

    def _counted(self, key):
        """Where models end, calls of nested Functional ones count from 1."""
        name, number, index = key
        operation = self._operations[name]
        chain = isinstance(operation, keras.Sequential)
        first = int(traversal.is_container(operation) and not chain)
        return name, number - first, index


def _functional(model):
    """Returns the model as a Functional one: a Sequential one has no graph."""
    if not isinstance(model, keras.Sequential):
        return model
    return keras.Model(model.inputs, model.outputs, name=model.name)


def _arguments(call):
    return _revived(call["args"]), _revived(call["kwargs"])


def _revived(value):
    """Returns arguments as they were, with a `Tensor` for each tensor."""
    if isinstance(value, (list, tuple)):
        return type(value)(map(_revived, value))
    if not isinstance(value, dict):
        return value
    if value.get("class_name") == "__keras_tensor__":
        config = value["config"]
        return Tensor(tuple(config["keras_history"]), tuple(config["shape"]))
    if "class_name" in value:
        return keras.saving.deserialize_keras_object(value)
    return {key: _revived(item) for key, item in value.items()}


def _tensors(value):
    leaves = keras.tree.flatten(value)
    return [leaf for leaf in leaves if isinstance(leaf, Tensor)]


def _keys(value):
    """Returns the `(name, call, tensor)` in a nested structure of them."""
    if isinstance(value, dict):
        value = [value[key] for key in sorted(value)]
    if len(value) == 3 and isinstance(value[0], str):
        return [tuple(value)]
    return [key for item in value for key in _keys(item)]
