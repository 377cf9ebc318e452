"""Numbers as symbols, to the last bit.

Floats are signs, exponents whose shares are learned, and the bits of their
fractions that are in use. What was quantized needs less: a table of the values
that occur, or whole steps, of one size or of one for each filter.
"""

from __future__ import annotations

import numpy as np

from tfprune.compress.quantize import LEVELS
from tfprune.exporters.compact import entropy_coding

_FLOATS, _TABLE, _LAST_TABLE, _STEP, _STEPS = range(5)
_FRACTION = 23  # Bits of a float32.
_MOST = 64  # Entries of a table.


class Values:
    """Codes vectors one after another; a bias may use its kernel's table.

    Args:
        coder: `entropy_coding.Writer` or `Reader`.
    """

    def __init__(self, coder):
        self._coder = coder
        self._table = np.zeros(0, "float32")

    def code(self, values, filters: np.ndarray, dtype) -> np.ndarray:
        """Codes a vector.

        Args:
            values: Array `(count,)` of `dtype`; None to read.
            filters: Integer array `(count,)`, to which filter each belongs.
            dtype: NumPy dtype.

        Returns:
            The array.
        """
        dtype = np.dtype(dtype)
        if not _is_float(dtype):
            return self._bytes(values, len(filters), dtype)
        given = None if values is None else values.astype("float32")
        if len(filters) == 0:
            return np.zeros(0, dtype)
        way = None if given is None else self._way(given, filters)
        way = entropy_coding.number(self._coder, way, 5)
        if way == _FLOATS:
            return self._floats(given, len(filters)).astype(dtype)
        if way in (_TABLE, _LAST_TABLE):
            return self._looked_up(given, len(filters), way).astype(dtype)
        own = filters if way == _STEPS else np.zeros_like(filters)
        return self._steps(given, own).astype(dtype)

    def _way(self, values, filters):
        if np.isin(_bits(values), _bits(self._table)).all():
            return _LAST_TABLE
        if _table(values) is not None:
            return _TABLE
        if _in_steps(values, np.zeros_like(filters)):
            return _STEP
        return _STEPS if _in_steps(values, filters) else _FLOATS

    def _bytes(self, values, count, dtype):
        given = None
        if values is not None:
            given = np.frombuffer(values.tobytes(), "uint8").astype("int64")
        size = count * dtype.itemsize
        coded = entropy_coding.adaptive(self._coder, given, size, 256)
        return np.frombuffer(coded.astype("uint8").tobytes(), dtype)

    def _floats(self, values, count):
        bits = None if values is None else _bits(values)
        negative = entropy_coding.adaptive(
            self._coder, None if bits is None else bits >> 31, count, 2
        )
        exponents = self._exponents(
            None if bits is None else (bits >> _FRACTION) & 255, count
        )
        fractions = self._fractions(
            None if bits is None else bits & ((1 << _FRACTION) - 1), count
        )
        whole = (negative << 31) | (exponents << _FRACTION) | fractions
        return whole.astype("uint32").view("float32")

    def _exponents(self, exponents, count):
        least = self._number(exponents, np.min, 256)
        span = self._number(exponents, np.ptp, 256)
        above = None if exponents is None else exponents - least
        coder = self._coder
        return least + entropy_coding.adaptive(coder, above, count, span + 1)

    def _fractions(self, fractions, count):
        unused = self._number(fractions, _trailing_zeros, _FRACTION + 1)
        used = None if fractions is None else fractions >> unused
        size = 1 << (_FRACTION - unused)
        return entropy_coding.uniform(self._coder, used, count, size) << unused

    def _number(self, values, of, size):
        value = None if values is None else int(of(values))
        return entropy_coding.number(self._coder, value, size)

    def _looked_up(self, values, count, way):
        if way == _TABLE:
            found = None if values is None else _table(values)
            size = self._number(found, len, _MOST + 1)
            self._table = self._floats(found, size)
        symbols = None
        if values is not None:
            symbols = _index(self._table, values)
        size = len(self._table)
        symbols = entropy_coding.adaptive(self._coder, symbols, count, size)
        return self._table[symbols]

    def _steps(self, values, filters):
        used, own = np.unique(filters, return_inverse=True)
        sizes = None if values is None else _sizes(values, own)
        sizes = self._floats(sizes, len(used))
        steps = None if values is None else _rounded(values, sizes[own])
        least = self._number(steps, lambda x: x.min() + LEVELS, 2 * LEVELS + 1)
        span = self._number(steps, np.ptp, 2 * LEVELS + 1)
        least -= LEVELS
        above = None if steps is None else steps - least
        coder = self._coder
        coded = entropy_coding.adaptive(coder, above, len(filters), span + 1)
        return (coded + least).astype("float32") * sizes[own]


def _is_float(dtype):
    """Whether a float32 has all of it; bfloat16 is of kind V."""
    if dtype.kind == "V":
        return dtype.name == "bfloat16"
    return dtype.kind == "f" and dtype.itemsize <= 4


def _bits(values):
    return np.ascontiguousarray(values).view("uint32").astype("int64")


def _trailing_zeros(fractions):
    used = int(np.bitwise_or.reduce(fractions))
    return (used & -used).bit_length() - 1 if used else _FRACTION


def _table(values):
    """The values that occur, None where they are many."""
    most = min(_MOST, len(values) // 2)
    if len(np.unique(_bits(values[: 4 * _MOST]))) > most:
        return None
    found = np.unique(_bits(values))
    if not 0 < len(found) <= most:
        return None
    return found.astype("uint32").view("float32")


def _index(table, values):
    """Where each value is in a table, by its bits."""
    order = np.argsort(_bits(table))
    return order[np.searchsorted(_bits(table)[order], _bits(values))]


def _in_steps(values, filters):
    if not np.isfinite(values).all():
        return False
    own = np.unique(filters, return_inverse=True)[1]
    sizes = _sizes(values, own)[own]
    if not (sizes > 0).all():
        return False
    steps = _rounded(values, sizes).astype("float32")
    return bool((_bits(steps * sizes) == _bits(values)).all())


def _sizes(values, filters):
    largest = np.zeros(filters.max() + 1, "float32")
    np.maximum.at(largest, filters, np.abs(values))
    return largest / np.float32(LEVELS)


def _rounded(values, sizes):
    return np.rint(values / sizes).astype("int64")
