"""Shapes of layers from real nets, as files have them."""

from __future__ import annotations

import pathlib
import typing

import benchmarks
from tfprune.utils import validation

FOLDER = benchmarks.ROOT / "custom_ops/benchmarks/shapes"


class Convolution(typing.NamedTuple):
    """A convolution, and how fast a prototype of a sparse one was.

    Args:
        name: String, `net/layer`.
        channels: Integer.
        size: Integer, height and width of the input.
        filters: Integer.
        kernel: Integer.
        stride: Integer.
        groups: Integer.
        padding: `"SAME"` or `"VALID"`.
        prototype: Float, times faster than TensorFlow's dense one.
    """

    name: str
    channels: int
    size: int
    filters: int
    kernel: int
    stride: int
    groups: int
    padding: str
    prototype: float

    @property
    def input_shape(self) -> tuple:
        return self.size, self.size, self.channels

    @property
    def columns(self) -> int:
        return self.kernel**2 * self.channels // self.groups

    @property
    def rows(self) -> int:
        return self.filters


class Product(typing.NamedTuple):
    """A fully connected layer, and how fast a prototype was.

    Args:
        name: String, `net/layer`.
        columns: Integer, inputs.
        rows: Integer, outputs.
        prototype: Float, times faster than TensorFlow's dense one.
    """

    name: str
    columns: int
    rows: int
    prototype: float

    @property
    def input_shape(self) -> tuple:
        return (self.columns,)


def read(path, kind) -> list:
    """Returns the layers of a file: fields in columns, `#` for comments.

    Args:
        path: Text file.
        kind: `Convolution` or `Product`.

    Raises:
        ValueError: for a line with other fields.
    """
    types = typing.get_type_hints(kind).values()
    layers = []
    for line in pathlib.Path(path).read_text().splitlines():
        fields = line.partition("#")[0].split()
        if not fields:
            continue
        try:
            pairs = zip(types, fields, strict=True)
            layers.append(kind(*[cast(field) for cast, field in pairs]))
        except ValueError as error:
            names = " ".join(kind._fields)
            raise ValueError(
                f"{path} must have lines of: {names}. Received: {line!r}"
            ) from error
    return layers


def named(layers: list, pattern: str) -> list:
    """Returns the layers whose names contain a pattern.

    Args:
        layers: List of `Convolution` and `Product`.
        pattern: String.

    Raises:
        ValueError: if there is none.
    """
    chosen = [layer for layer in layers if pattern in layer.name]
    names = ", ".join(layer.name for layer in layers)
    validation.check("layers", pattern, chosen, f"part of one of: {names}")
    return chosen
