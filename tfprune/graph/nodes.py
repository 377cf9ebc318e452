"""nodes: the one reader of what the operations of a model are called on."""

from __future__ import annotations

import collections
import contextlib
import copy
import functools
import inspect

import keras

from tfprune.graph import calls as calls_lib
from tfprune.graph import configs
from tfprune.graph import traversal


class Nodes:
    """The graph of one model; models nested in it are operations.

    It is read from a plain Functional model over the same operations, so
    neither the class of `model` nor its `get_config` matter.

    Args:
        model: Sequential or Functional model, or a subclass of these, built.

    Attributes:
        model: The model.
        plain: The Functional model.
        config: Dict, its config, with names alone for nested models.
        operations: Dict, name to layer or operation.
        nodes: List of `Node`, each after those whose tensors it takes.
        inputs: List of keys of tensors, as those of `Tensor`.
        outputs: The same.
    """

    def __init__(self, model: keras.Model):
        self.model = model
        self.plain = keras.Model(model.inputs, model.outputs, name=model.name)
        self.operations = {x.name: x for x in self.plain.operations}
        with named_only(self.plain.operations):
            self.config = self.plain.get_config()
        self.inputs = list(map(tuple, self.config["input_layers"]))
        ends = self.config["output_layers"]
        self.outputs = [self._counted(*key) for key in ends]
        self.nodes = self._sorted()

    def full_config(self) -> dict:
        """The config of a Functional model that takes and gives the same.

        Unlike `config`, a copy, whose inputs and outputs are nested as those
        of the model, which must not be Sequential.
        """
        ends = {"input_layers": self.model.input}
        ends["output_layers"] = self.model.output
        nested = {
            key: keras.tree.pack_sequence_as(structure, self.config[key])
            for key, structure in ends.items()
        }
        full = {**self.config, **nested, "trainable": self.model.trainable}
        return copy.deepcopy(full)

    def input(self, key: tuple) -> calls_lib.Node:
        """The input layer that gives an input, as a node."""
        return calls_lib.Node(self.operations[key[0]], key[1], (), {})

    def call(
        self, node: calls_lib.Node, known: list, above: str
    ) -> calls_lib.Call:
        """A node as followers get it.

        Args:
            node: `Node`.
            known: List of what is known of each tensor that it takes.
            above: String, what the names of models around it begin with.
        """
        used = self._shapes[node.key]
        return calls_lib.Call(
            node.operation,
            above + node.operation.name,
            node.args,
            node.kwargs,
            known,
            [used.get(i) for i in range(max(used, default=-1) + 1)],
        )

    def needed(self, bypassed: dict[int, int]) -> set[str]:
        """The names of the operations that the outputs come from.

        Args:
            bypassed: Dict, id of an operation to the number of the only tensor
                that it is needed for.
        """
        calls = {node.key: node for node in self.nodes}
        # Where they end, calls of nested models count from another number.
        ends = {key[:2] for key in self.outputs}
        names, left = {key[0] for key in self.inputs}, ends & calls.keys()
        while left:
            node = calls[left.pop()]
            names.add(node.operation.name)
            place = bypassed.get(id(node.operation))
            taken = node.tensors if place is None else [node.tensors[place]]
            calls.pop(node.key)
            left |= {tensor.key[:2] for tensor in taken} & calls.keys()
        return names

    @property
    def uses(self) -> collections.Counter:
        """Key of a tensor to how often calls take it, or the model gives it."""
        taken = [tensor.key for node in self.nodes for tensor in node.tensors]
        return collections.Counter([*taken, *self.outputs])

    @functools.cached_property
    def edges(self) -> list[tuple]:
        """Pairs of operations, one for each tensor that a call takes.

        What the model returns has the target None.
        """
        pairs = [
            (self.operations[tensor.key[0]], node.operation)
            for node in self.nodes
            for tensor in node.tensors
        ]
        return pairs + [
            (self.operations[name], None) for name, *_ in self.outputs
        ]

    @functools.cached_property
    def calls(self) -> dict[int, list[list[tuple]]]:
        """Id of an operation to the shapes that it takes, for each call."""
        found = collections.defaultdict(list)
        for node in sorted(self.nodes, key=lambda node: node.number):
            shapes = [tensor.shape for tensor in node.tensors]
            found[id(node.operation)].append(shapes)
        return found

    @functools.cached_property
    def _shapes(self):
        """Key of a call to index and shape of each tensor that it gives."""
        shapes = collections.defaultdict(dict)
        ends = [*self.model.inputs, *self.model.outputs]
        for key, end in zip(self.inputs + self.outputs, ends, strict=True):
            shapes[key[:2]][key[2]] = tuple(end.shape)
        for node in self.nodes:
            for tensor in node.tensors:
                shapes[tensor.key[:2]][tensor.key[2]] = tensor.shape
        return shapes

    def _sorted(self):
        left = [
            calls_lib.Node(
                self.operations[layer["name"]], number, *_arguments(call)
            )
            for layer in self.config["layers"]
            for number, call in enumerate(layer["inbound_nodes"])
        ]
        done, found = {key[:2] for key in self.inputs}, []
        while left:
            waiting = []
            for node in left:
                if {tensor.key[:2] for tensor in node.tensors} <= done:
                    done.add(node.key)
                    found.append(node)
                else:
                    waiting.append(node)
            if len(waiting) == len(left):
                raise RuntimeError(
                    "The calls in the config of a model must follow from its "
                    f"inputs. Received: {[node.key for node in waiting]}, "
                    "which do not, in this version of Keras."
                )
            left = waiting
        return found

    def _counted(self, name, number, index):
        """Where models end, calls of nested Functional ones count from 1."""
        operation = self.operations[name]
        chain = isinstance(operation, keras.Sequential)
        first = int(traversal.is_container(operation) and not chain)
        return name, number - first, index


@contextlib.contextmanager
def named_only(operations):
    """Keeps Keras from asking nested models for more than their names.

    A class of the user's own may give anything for a config, or raise.
    """
    models = [x for x in operations if traversal.is_container(x)]
    for model in models:
        vars(model)["get_config"] = functools.partial(dict, name=model.name)
    others = [x for x in operations if not traversal.is_container(x)]
    try:
        with configs.sound(others):
            yield
    finally:
        for model in models:
            del vars(model)["get_config"]


def passes_masks(layer) -> bool:
    """Tells whether what a layer gives in a graph has a mask of Keras."""
    return any(_is_masked(node.output_tensors) for node in layer._inbound_nodes)


def takes_masks(layer) -> bool:
    """Tells whether what a layer takes in a graph has a mask of Keras."""
    return any(_is_masked(node.input_tensors) for node in layer._inbound_nodes)


def _is_masked(tensors):
    return any(getattr(x, "_keras_mask", None) is not None for x in tensors)


@contextlib.contextmanager
def forgotten(operations):
    """Forgets the calls of some operations that are made while it lasts."""
    lists = [
        own for x in operations for own in (x._inbound_nodes, x._outbound_nodes)
    ]
    sizes = list(map(len, lists))
    try:
        yield
    finally:
        for own, size in zip(lists, sizes, strict=True):
            del own[size:]


def drop_nothing(model: keras.Model) -> None:
    """Takes arguments out of calls that are None, and would be without them.

    Some layers have more of them in `call` than they take in a graph.
    """
    for operation in model.operations:
        known = inspect.signature(operation.call).parameters
        for node in operation._inbound_nodes:
            given = node.arguments.kwargs
            for name in list(given):
                if (
                    given[name] is None
                    and getattr(known.get(name), "default", ...) is None
                ):
                    del given[name]


def set_arguments(layer: dict, arguments: dict) -> None:
    """Changes what an operation is called with, in the config of a model.

    Args:
        layer: Dict, the operation's part of the config.
        arguments: Dict, place to argument.
    """
    for call in layer["inbound_nodes"] if arguments else ():
        call["args"] = [
            keras.saving.serialize_keras_object(arguments[place])
            if place in arguments
            else argument
            for place, argument in enumerate(call["args"])
        ]


def bypass(layer: dict, place: int) -> None:
    """Makes an operation give one of the tensors that it takes.

    Args:
        layer: Dict, the operation's part of the config of a model.
        place: Integer, of the tensor.
    """
    for call in layer["inbound_nodes"]:
        tensor = _flat(call["args"])[place]
        call["args"], call["kwargs"] = [tensor], {}
        policy = tensor["config"]["dtype"]
    identity = keras.layers.Identity(name=layer["config"]["name"], dtype=policy)
    layer.update(keras.saving.serialize_keras_object(identity))


def count_from_one(config: dict, name: str) -> None:
    """Counts the calls of an operation as those of a Functional model.

    Only where the model ends: see `Nodes`.

    Args:
        config: Dict, of a model.
        name: String, of the operation.
    """
    ends = config.get("output_layers", [])
    flat = keras.tree.flatten(ends)
    for place in range(0, len(flat), 3):
        flat[place + 1] += flat[place] == name
    if flat:
        config["output_layers"] = keras.tree.pack_sequence_as(ends, flat)


def _flat(arguments):
    """The arguments of a call, those in lists too."""
    each = [_flat(x) if isinstance(x, list) else [x] for x in arguments]
    return [x for own in each for x in own]


def _arguments(call):
    return _revived(call["args"]), _revived(call["kwargs"])


def _revived(value):
    """Arguments as they were, with a `Tensor` for each tensor."""
    if isinstance(value, (list, tuple)):
        return type(value)(map(_revived, value))
    if not isinstance(value, dict):
        return value
    if value.get("class_name") == "__keras_tensor__":
        config = value["config"]
        return calls_lib.Tensor(
            tuple(config["keras_history"]),
            tuple(config["shape"]),
            config["dtype"],
        )
    if "class_name" in value:
        return keras.saving.deserialize_keras_object(value)
    return {key: _revived(item) for key, item in value.items()}
