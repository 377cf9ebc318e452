"""calls: one call of an operation, as a config has it and as followers do."""

from __future__ import annotations

import dataclasses
import typing

import keras


@dataclasses.dataclass(frozen=True)
class Tensor:
    """What a call takes.

    Args:
        key: Tuple: name of the operation that it comes from, number of that
            operation's call, number of the tensor that this call gave.
        shape: Tuple, None for a dynamic dimension; batch first.
        dtype: String.
    """

    key: tuple
    shape: tuple
    dtype: str


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

    def named(self, names: tuple[str, ...], values: list) -> dict:
        """What belongs to tensors, by the names of the arguments.

        Args:
            names: Tuple of strings, of the first arguments.
            values: List, one for each of `tensors`.
        """
        left = iter(values)
        args, kwargs = keras.tree.map_structure(
            lambda x: next(left) if isinstance(x, Tensor) else None,
            (self.args, self.kwargs),
        )
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        return {x: given[x] for x in names if given.get(x) is not None}

    def __call__(self, values: list) -> list:
        """Runs the operation on other tensors, and lists what it gives."""
        left = iter(values)

        def put(leaf):
            return next(left) if isinstance(leaf, Tensor) else leaf

        args, kwargs = keras.tree.map_structure(put, (self.args, self.kwargs))
        return keras.tree.flatten(self.operation(*args, **kwargs))


class Node(typing.NamedTuple):
    """A call, as a model's config has it.

    Args:
        operation: Keras layer or operation.
        number: Integer, of the calls of this operation in this model.
        args: Nested structure with a `Tensor` for each tensor.
        kwargs: Dict of the same.
    """

    operation: typing.Any
    number: int
    args: typing.Any
    kwargs: dict

    @property
    def key(self) -> tuple:
        """Name of the operation and number of the call."""
        return self.operation.name, self.number

    @property
    def tensors(self) -> list[Tensor]:
        """The tensors that the call takes, in order."""
        return _tensors((self.args, self.kwargs))


def _tensors(value):
    leaves = keras.tree.flatten(value)
    return [leaf for leaf in leaves if isinstance(leaf, Tensor)]
