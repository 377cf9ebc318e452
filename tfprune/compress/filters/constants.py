"""constants: what is known of a tensor's entries, and how that is kept."""

from __future__ import annotations

import dataclasses

import numpy as np

from tfprune.compress.filters import layout


@dataclasses.dataclass(frozen=True)
class Constant:
    """What is known of the entries of a tensor.

    Args:
        known: Bool array, True where an entry has one value for all inputs.
            Size 1 along axes where all entries are alike.
        value: Float array of the same shape.
    """

    known: np.ndarray
    value: np.ndarray


def unknown(rank):
    """A `Constant` of which nothing is known."""
    shape = [1] * rank
    return Constant(np.zeros(shape, bool), np.zeros(shape, "float32"))


def zeros(known):
    """A `Constant` that is zero where it is known."""
    return Constant(known, np.zeros(known.shape, "float32"))


def finite(known, value):
    """A `Constant` where values are numbers that can be added up."""
    finite = np.isfinite(value)
    return Constant(known & finite, np.where(finite, value, 0))


def along(known, value, axis, rank):
    """A `Constant` of a rank, of what is known of slices of an axis."""
    pair = (layout.along(vector, axis, rank) for vector in (known, value))
    return Constant(*pair)


def is_zero(given):
    """Where a `Constant` is known to be zero."""
    return given.known & (given.value == 0)


def vector(given, axis, size):
    """What is known of the slices along an axis, as two vectors."""
    known, value = (
        np.moveaxis(array, axis, 0).reshape(array.shape[axis], -1)
        for array in (given.known, given.value)
    )
    same = known.all(axis=1) & (value == value[:, :1]).all(axis=1)
    value = np.where(same, value[:, 0], 0)
    return np.broadcast_to(same, (size,)), np.broadcast_to(value, (size,))


def squeezed(known, value):
    """A `Constant` with size 1 for axes along which all is equal."""
    for axis in range(known.ndim):
        first = known.take([0], axis), value.take([0], axis)
        if np.all(known == first[0]) and np.all(value == first[1]):
            known, value = first
    return Constant(known.astype(bool), value)
