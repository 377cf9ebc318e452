"""Arrays of a model as coded parts."""

from __future__ import annotations

import collections.abc

import numpy as np

from tfprune.exporters.compact import entropy_coding
from tfprune.exporters.compact import positions
from tfprune.exporters.compact import values

_PART = 1 << 22  # Numbers in a part, but for a longer array.


def groups(sizes: collections.abc.Sequence[int]) -> list[range]:
    """Which arrays make up a part; each part is coded apart from others.

    Args:
        sizes: Sequence of integers, the numbers in each array.
    """
    found, begin, total = [], 0, 0
    for index, size in enumerate(sizes):
        if total and total + size > _PART:
            found.append(range(begin, index))
            begin, total = index, 0
        total += size
    return [*found, range(begin, len(sizes))] if len(sizes) else []


def encode(arrays: collections.abc.Iterable[np.ndarray]) -> bytes:
    """Encodes arrays, to the last bit."""
    coder = entropy_coding.Writer()
    numbers = values.Values(coder)
    for array in arrays:
        _code(coder, numbers, array, array.shape, array.dtype)
    return coder.to_bytes()


def decode(data: bytes, like: collections.abc.Iterable) -> list[np.ndarray]:
    """Decodes arrays.

    Args:
        data: Bytes of `encode`.
        like: Iterable of tuples, the shape and dtype of each array.
    """
    coder = entropy_coding.Reader(data)
    numbers = values.Values(coder)
    return [_code(coder, numbers, None, *one) for one in like]


def _code(coder, numbers, array, shape, dtype):
    kept = None if array is None else _not_zero(array)
    mask = positions.code(coder, kept, shape)
    given = None if array is None else array[mask]
    found = np.zeros(shape, dtype)
    found[mask] = numbers.code(given, _filters(mask), dtype)
    return found


def _not_zero(array):
    """A negative zero is not nothing."""
    size = array.dtype.itemsize
    of_bytes = np.frombuffer(array.tobytes(), "uint8").reshape(-1, size)
    return of_bytes.any(axis=1).reshape(array.shape)


def _filters(mask):
    """The last index of what is kept; a vector is of one filter."""
    places = np.flatnonzero(mask)
    return places % mask.shape[-1] if mask.ndim > 1 else np.zeros_like(places)
