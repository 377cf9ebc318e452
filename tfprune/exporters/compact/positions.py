"""Which entries of an array are there, as symbols.

An array is a matrix whose columns are its last axis: the filters of a kernel.
Rows and columns that are empty are named first. Where filters differ much, the
share of a column and that of a row that were seen so far tell what is likely.
"""

from __future__ import annotations

import numpy as np

from tfprune.exporters.compact import entropy_coding

_ALL, _PLAIN, _LEARNED = range(3)
_LEVELS = 8  # Of the shares of a row and of a column, each.
_BLOCK = 1 << 18


def code(coder, kept: np.ndarray | None, shape: tuple) -> np.ndarray:
    """Codes a mask.

    Args:
        coder: `entropy_coding.Writer` or `Reader`.
        kept: Bool array of `shape`; None to read.
        shape: Tuple of integers.

    Returns:
        The bool array.
    """
    rows, columns, period = _matrix(shape)
    mask = None if kept is None else kept.reshape(rows, columns)
    way = entropy_coding.number(coder, _way(mask, period), 3)
    if way == _ALL:
        return np.ones(shape, bool)
    live = [
        _bits(coder, None if mask is None else mask.any(axis), size)
        for axis, size in ((1, rows), (0, columns))
    ]
    there = np.ix_(*live)
    within = _WAYS[way](
        coder,
        None if mask is None else mask[there],
        tuple(int(one.sum()) for one in live),
        np.flatnonzero(live[0]) % period,
    )
    found = np.zeros((rows, columns), bool)
    found[there] = within
    return found.reshape(shape)


def _matrix(shape):
    """Rows, columns, and after how many rows the same input comes again.

    The last axis of a depthwise kernel, of size 1, is no filter.
    """
    wide = [1, 1, *(length for length in shape if length != 1)]
    *_, period, columns = wide
    return int(np.prod(wide[:-1])), columns, period


def _way(mask, period):
    if mask is None:
        return None
    if mask.all():
        return _ALL
    return min((_PLAIN, _LEARNED), key=lambda way: _bytes(mask, way, period))


def _bytes(mask, way, period):
    live = mask[np.ix_(mask.any(1), mask.any(0))]
    inputs = np.flatnonzero(mask.any(1)) % period
    coder = entropy_coding.Writer()
    _WAYS[way](coder, live, live.shape, inputs)
    return len(coder.to_bytes())


def _bits(coder, bits, count):
    given = None if bits is None else bits.astype("int64")
    return entropy_coding.adaptive(coder, given, count, 2).astype(bool)


def _plain(coder, mask, shape, inputs):
    given = None if mask is None else mask.reshape(-1)
    return _bits(coder, given, shape[0] * shape[1]).reshape(shape)


def _learned(coder, mask, shape, inputs):
    """Row by row, by the shares of what came before."""
    shares = entropy_coding.Shares(_LEVELS * _LEVELS, 2)
    history = _History(shape[1], inputs)
    found = np.zeros(shape, bool)
    for begin, end in _row_blocks(*shape):
        contexts = history.contexts(begin, end)
        given = None
        if mask is not None:
            given = mask[begin:end].reshape(-1).astype("int64")
        block = shares.code(coder, given, contexts.reshape(-1))
        found[begin:end] = block.reshape(end - begin, -1)
        history.add(begin, found[begin:end])
    return found


class _History:
    """How full each column was so far, and each input of a kernel."""

    def __init__(self, columns, inputs):
        self._of_row = inputs
        self._columns = np.zeros(columns, "int64")
        self._inputs = np.zeros(inputs.max(initial=0) + 1, "int64")
        self._visits = np.zeros_like(self._inputs)

    def contexts(self, begin, end):
        own = self._of_row[begin:end]
        of = self._visits[own] * len(self._columns)
        row = _level(self._inputs[own], of)
        return row[:, None] * _LEVELS + _level(self._columns, begin)

    def add(self, begin, rows):
        own = self._of_row[begin : begin + len(rows)]
        self._columns += rows.sum(0)
        np.add.at(self._inputs, own, rows.sum(1))
        np.add.at(self._visits, own, 1)


def _row_blocks(rows, columns):
    begin = 0
    while begin < rows:
        most = max(_BLOCK // max(columns, 1), 1)
        length = min(max(1, begin // 8), most)
        yield begin, min(begin + length, rows)
        begin += length


def _level(seen, of):
    """The share by halves: 7 from a half on, 6 from a quarter on, ..., 0."""
    doubled = (2 * seen + 1)[..., None] << np.arange(1, _LEVELS)
    return np.sum(doubled >= np.asarray(2 * of + 2)[..., None], axis=-1)


_WAYS = {_PLAIN: _plain, _LEARNED: _learned}
