"""Counter-based random numbers: no state, the same bits everywhere.

`keras.random` differs under XLA and takes no tensor as seed; a hash of
(seed, unit, step) gives one number for each decision, in any order, on any
replica.
"""

from __future__ import annotations

import numpy as np
from keras import ops


def uniform(seed: int, unit: int, step):
    """A float32 in [0, 1), a function of its three arguments only.

    Args:
        seed: Integer.
        unit: Integer or integer array, the stream.
        step: Integer scalar tensor, the counter.
    """
    word = ops.cast(step, "uint32")
    for key in (seed, unit):
        word = _mix(ops.bitwise_xor(word, _word(_scramble(key))))
    bits = ops.cast(ops.right_shift(word, _word(8)), "float32")
    return bits * (1.0 / 2**24)


def _mix(word):
    """The finalizer of MurmurHash3 (Appleby, 2011): full avalanche."""
    word = ops.bitwise_xor(word, ops.right_shift(word, _word(16)))
    word = ops.multiply(word, _word(0x85EBCA6B))
    word = ops.bitwise_xor(word, ops.right_shift(word, _word(13)))
    word = ops.multiply(word, _word(0xC2B2AE35))
    return ops.bitwise_xor(word, ops.right_shift(word, _word(16)))


def _word(number):
    return ops.convert_to_tensor(np.uint32(number & 0xFFFFFFFF))


def _scramble(key):
    """Spreads small keys over all bits (the golden ratio's multiplier)."""
    return (key + 1) * 0x9E3779B9
