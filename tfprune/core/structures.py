"""Structures: which weights are pruned as a group, and which compete.

A structure turns an array into rows of members, one row for each group, and
a decision about the groups back into a mask. A unit of several arrays (a
kernel and its bias) is one list of groups: `join` says how.
"""

from __future__ import annotations

import math

from keras import ops

from tfprune.utils import serialization
from tfprune.utils import validation

__all__ = [
    "Block",
    "Channel",
    "CoupledFilter",
    "Filter",
    "FilterShape",
    "Layer",
    "NM",
    "Structure",
    "Unstructured",
]


class Structure(serialization.Serializable):
    """The interface. `Unstructured` is the simplest example.

    A structure whose groups span several arrays (a filter is a slice of a
    kernel and an entry of a bias) sets `join_axis = 1`: their members are
    put side by side, instead of their groups one after the other. `covers`
    are the roles of the arrays of a layer that a group has a part of.
    """

    join_axis = 0
    covers = ("kernel",)

    def unsupported_reason(self, shape) -> str | None:
        """Why an array of this shape does not fit, or None."""
        return None

    def group(self, array):
        """The array as (groups, members)."""
        raise NotImplementedError

    def expand(self, kept, shape):
        """The mask of `shape` from one decision for each group."""
        raise NotImplementedError

    def join(self, arrays):
        """The groups of a whole unit as (groups, members)."""
        grouped = [self.group(array) for array in arrays]
        if len(grouped) == 1:
            return grouped[0]
        return ops.concatenate(grouped, axis=self.join_axis)

    def split(self, kept, shapes):
        """The masks of a whole unit: the inverse of `join`."""
        if self.join_axis == 1 or len(shapes) == 1:
            return [self.expand(kept, shape) for shape in shapes]
        masks, begin = [], 0
        for shape in shapes:
            end = begin + self.count(shape)
            masks.append(self.expand(kept[begin:end], shape))
            begin = end
        return masks

    def count(self, shape) -> int:
        """The number of groups in an array of this shape."""
        return math.prod(shape)


@serialization.serializable
class Unstructured(Structure):
    """Every weight on its own."""

    def group(self, array):
        return ops.reshape(array, (-1, 1))

    def expand(self, kept, shape):
        return ops.reshape(kept, shape)


@serialization.serializable
class NM(Structure):
    """`n` kept of every `m` consecutive weights along one axis.

    Groups are single weights, ordered so that each run of `m` groups is one
    pattern block.

    Args:
        n: Integer, weights kept in each block.
        m: Integer, length of a block.
        axis: Integer, the axis that is cut into blocks. Defaults to None:
            what is summed over, which is what sparse tensor cores expect. It
            is the last axis but one of an array, unless the method says
            otherwise by its `summed_axes`.
    """

    n: int = 2
    m: int = 4
    axis: int | None = None

    def __post_init__(self):
        whole = isinstance(self.n, int) and isinstance(self.m, int)
        fine = whole and 0 < self.n < self.m
        expected = "integers with 0 < n < m (n kept of m)"
        validation.check("n:m", f"{self.n}:{self.m}", fine, expected)

    def unsupported_reason(self, shape):
        if not -len(shape) <= self._axis < len(shape):
            return f"has no axis {self._axis} in shape {tuple(shape)}"
        size = shape[self._axis]
        if size % self.m == 0:
            return None
        where = (
            f"what is summed over has {size} entries"
            if self.axis is None
            else f"axis {self.axis} of shape {tuple(shape)} has {size} entries"
        )
        return f"{where}, which m={self.m} of {self.n}:{self.m} does not divide"

    def group(self, array):
        return ops.reshape(ops.moveaxis(array, self._axis, -1), (-1, 1))

    def expand(self, kept, shape):
        axis = self._axis % len(shape)
        others = [size for i, size in enumerate(shape) if i != axis]
        return ops.moveaxis(ops.reshape(kept, (*others, shape[axis])), -1, axis)

    @property
    def _axis(self):
        return -2 if self.axis is None else self.axis


@serialization.serializable
class Block(Structure):
    """Dense rectangles in the last two axes of a kernel.

    Args:
        height: Integer, inputs in a block. Defaults to 4.
        width: Integer, outputs in a block. Defaults to 1.
    """

    height: int = 4
    width: int = 1

    def __post_init__(self):
        for name in ("height", "width"):
            size = getattr(self, name)
            whole = isinstance(size, int) and size > 0
            validation.check(name, size, whole, "a positive integer")

    def unsupported_reason(self, shape):
        block = f"blocks of {self.height}x{self.width}"
        if len(shape) < 2:
            return f"shape {tuple(shape)} has fewer than two axes for {block}"
        if shape[-2] % self.height or shape[-1] % self.width:
            return f"{block} do not divide shape {tuple(shape)}"
        return None

    def group(self, array):
        tiles = ops.reshape(array, self._tiles(array.shape))
        return ops.reshape(
            ops.swapaxes(tiles, 2, 3), (-1, self.height * self.width)
        )

    def expand(self, kept, shape):
        outer, rows, _, columns, _ = self._tiles(shape)
        kept = ops.reshape(kept, (outer, rows, 1, columns, 1))
        tiles = ops.broadcast_to(kept, self._tiles(shape))
        return ops.reshape(tiles, shape)

    def count(self, shape):
        return math.prod(shape) // (self.height * self.width)

    def _tiles(self, shape):
        rows, columns = shape[-2] // self.height, shape[-1] // self.width
        outer = math.prod(shape[:-2])
        return (outer, rows, self.height, columns, self.width)


@serialization.serializable
class Filter(Structure):
    """Slices along the last axis: a filter or unit, and its bias.

    Args:
        covers: Tuple of `"kernel"`, `"bias"`. A filter that keeps its bias
            still gives a constant. Defaults to both.
    """

    covers: tuple = ("kernel", "bias")

    join_axis = 1

    def __post_init__(self):
        object.__setattr__(self, "covers", tuple(self.covers))

    def unsupported_reason(self, shape):
        return None if shape else "it is a scalar, which has no filters"

    def group(self, array):
        return ops.transpose(ops.reshape(array, (-1, array.shape[-1])))

    def expand(self, kept, shape):
        return ops.broadcast_to(kept, shape)

    def count(self, shape):
        return shape[-1]


@serialization.formerly("TiedFilter")
@serialization.serializable
class CoupledFilter(Filter):
    """Filters, of all layers whose channels must be removed together.

    Those of layers that are added to each other are pruned as a group, with
    their biases and the shifts and scales of the normalizations behind them,
    so that masked filters give zeros and can be removed.

    Args:
        covers: Tuple of `"kernel"`, `"bias"`, `"gamma"`, `"beta"`. Defaults
            to all. `"kernel"` brings the depthwise kernels behind it,
            `"gamma"` the moving mean of a normalization without one.
    """

    covers: tuple = ("kernel", "bias", "gamma", "beta")


@serialization.serializable
class Channel(Structure):
    """Slices along the last axis but one: what reads one input channel."""

    def unsupported_reason(self, shape):
        return _without_inputs(shape)

    def group(self, array):
        channels = ops.moveaxis(array, -2, 0)
        return ops.reshape(channels, (array.shape[-2], -1))

    def expand(self, kept, shape):
        return ops.broadcast_to(ops.expand_dims(kept, -1), shape)

    def count(self, shape):
        return shape[-2]


@serialization.serializable
class FilterShape(Structure):
    """Columns: one tap at one channel, in all filters.

    What is kept of them is the shape that all filters share. They are the
    rows of a kernel of shape `(taps and channels, filters)`.

    Reference:
        Wen et al. Learning Structured Sparsity in Deep Neural Networks.
        NIPS 2016.
    """

    def unsupported_reason(self, shape):
        return _without_inputs(shape)

    def group(self, array):
        return ops.reshape(array, (-1, array.shape[-1]))

    def expand(self, kept, shape):
        kept = ops.reshape(kept, (*shape[:-1], 1))
        return ops.broadcast_to(kept, shape)

    def count(self, shape):
        return math.prod(shape[:-1])


@serialization.serializable
class Layer(Structure):
    """All weights of a layer: its kernel and its bias are one group."""

    join_axis = 1

    def group(self, array):
        return ops.reshape(array, (1, -1))

    def expand(self, kept, shape):
        return ops.broadcast_to(ops.reshape(kept, [1] * len(shape)), shape)

    def count(self, shape):
        return 1


def connected(mask, structures, groups: int = 1):
    """A mask without only the weights of groups that are masked wholly.

    Args:
        mask: Bool tensor.
        structures: Iterable of `Structure`. Those that do not fit the shape
            of the mask are left out.
        groups: Integer: so many parts of the last axis are looked at one by
            one, as the filters of a grouped convolution. Defaults to 1.
    """
    parts = ops.split(mask, groups, axis=-1) if groups > 1 else [mask]
    parts = [_connected(part, structures) for part in parts]
    return ops.concatenate(parts, axis=-1) if groups > 1 else parts[0]


def _connected(mask, structures):
    alive = ops.ones_like(mask)
    for structure in structures:
        if structure.unsupported_reason(mask.shape) is None:
            some = ops.any(structure.group(mask), axis=1)
            some = structure.expand(some, mask.shape)
            alive = ops.logical_and(alive, some)
    return alive


def _without_inputs(shape):
    if len(shape) < 2:
        return f"shape {tuple(shape)} has no axis of inputs before the last"
    return None
