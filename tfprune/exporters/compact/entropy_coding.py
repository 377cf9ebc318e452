"""Entropy coding by a range coder, whose models learn from what went before.

Each function describes a part of a file once, for both directions: it is
handed a `Writer` and the symbols, or a `Reader` and None, and returns the
symbols. Models adapt from block to block, so that a block is one call.
"""

from __future__ import annotations

import numpy as np

_PRIOR = 0.4  # Of each symbol, before any was seen.
_FIRST, _LARGEST, _GROWTH = 16, 1 << 18, 8
_WORD = 1 << 16  # Symbols of a uniform model, which has 24 bits of precision.


class Writer:
    """Encodes symbols."""

    def __init__(self):
        self._coder = _library().stream.queue.RangeEncoder()

    def code(self, model, count: int, symbols: np.ndarray) -> np.ndarray:
        """Takes and returns `symbols`, of which there are `count`."""
        self._coder.encode(np.ascontiguousarray(symbols, "int32"), model)
        return symbols

    def to_bytes(self) -> bytes:
        """Returns what was encoded."""
        words = self._coder.get_compressed()
        return words.astype("<u4").tobytes().rstrip(b"\0")


class Reader:
    """Decodes symbols.

    Args:
        data: Bytes of a `Writer`.
    """

    def __init__(self, data: bytes):
        whole = data + bytes(-len(data) % 4)
        words = np.frombuffer(whole, "<u4").astype("uint32")
        self._coder = _library().stream.queue.RangeDecoder(words)

    def code(self, model, count: int, symbols: None = None) -> np.ndarray:
        """Returns the next `count` symbols."""
        return self._coder.decode(model, count)


Coder = Writer | Reader


def uniform(coder: Coder, symbols, count: int, size: int) -> np.ndarray:
    """Codes integers that are equally likely.

    Args:
        coder: `Writer` or `Reader`.
        symbols: Integer array `(count,)` of what is below `size`; None to read.
        count: Integer.
        size: Integer from 1 to 2**31.
    """
    if size == 1 or count == 0:
        return np.zeros(count, "int64")
    if size <= _WORD:
        return _uniform(coder, symbols, count, size).astype("int64")
    high = _part(symbols, lambda x: x // _WORD)
    low = _part(symbols, lambda x: x % _WORD)
    high = uniform(coder, high, count, -(-size // _WORD))
    return high * _WORD + _uniform(coder, low, count, _WORD)


def number(coder: Coder, value: int | None, size: int) -> int:
    """Codes one integer below `size`; `value` is None to read."""
    symbols = None if value is None else np.array([value])
    return int(uniform(coder, symbols, 1, size)[0])


def adaptive(coder: Coder, symbols, count: int, size: int) -> np.ndarray:
    """Codes integers whose shares are learned.

    Args:
        coder: `Writer` or `Reader`.
        symbols: Integer array `(count,)` of what is below `size`; None to read.
        count: Integer.
        size: Integer from 1 on.
    """
    return in_contexts(coder, symbols, np.zeros(count, "int64"), 1, size)


def in_contexts(coder, symbols, contexts, number_of, size) -> np.ndarray:
    """Codes integers whose shares are learned, in each context apart.

    Args:
        coder: `Writer` or `Reader`.
        symbols: Integer array `(count,)` of what is below `size`; None to read.
        contexts: Integer array `(count,)`, known to the reader.
        number_of: Integer, of contexts.
        size: Integer from 1 on.
    """
    shares = Shares(number_of, size)
    coded = [
        shares.code(coder, _slice(symbols, begin, end), contexts[begin:end])
        for begin, end in blocks(len(contexts))
    ]
    return np.concatenate([np.zeros(0, "int64"), *coded])


class Shares:
    """How often each symbol was seen in each context.

    Args:
        contexts: Integer, how many there are.
        size: Integer from 1 on, of the alphabet.
    """

    def __init__(self, contexts: int, size: int):
        if size < 1:
            raise ValueError("there are no symbols")
        self._counts = np.full((contexts, size), _PRIOR)

    def code(self, coder, symbols, contexts) -> np.ndarray:
        """Codes a block, and learns from it.

        Args:
            coder: `Writer` or `Reader`.
            symbols: Integer array `(count,)`; None to read.
            contexts: Integer array `(count,)`.
        """
        size = self._counts.shape[1]
        if size == 1:
            return np.zeros(len(contexts), "int64")
        order = np.argsort(contexts, kind="stable")
        given = _part(symbols, lambda x: x[order])
        runs = np.bincount(contexts, minlength=len(self._counts))
        coded, begin = np.zeros(len(contexts), "int64"), 0
        for context in np.flatnonzero(runs):
            end = begin + int(runs[context])
            coded[order[begin:end]] = self._run(
                coder, _slice(given, begin, end), end - begin, context
            )
            begin = end
        return coded

    def _run(self, coder, symbols, count, context):
        own = self._counts[context]
        coded = coder.code(_learned(own), count, symbols)
        own += np.bincount(coded, minlength=len(own))
        return coded


def blocks(count: int):
    """Yields begins and ends: the more was seen, the longer a block is."""
    begin = 0
    while begin < count:
        length = min(max(_FIRST, begin // _GROWTH), _LARGEST)
        yield begin, min(begin + length, count)
        begin += length


def _learned(counts):
    model = _library().stream.model
    return model.Categorical(counts / counts.sum(), perfect=False)


def _uniform(coder, symbols, count, size):
    return coder.code(_library().stream.model.Uniform(size), count, symbols)


def _part(symbols, change):
    return None if symbols is None else change(symbols)


def _slice(symbols, begin, end):
    return None if symbols is None else symbols[begin:end]


def _library():
    try:
        import constriction
    except ImportError as error:
        raise ImportError(
            "compact files need constriction, which is not installed: pip "
            "install 'tfprune[compact]'"
        ) from error
    return constriction
