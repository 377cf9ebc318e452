"""Parameters, multiply-accumulates and bytes of the arrays of one layer."""

from __future__ import annotations

import gzip
import math

import numpy as np


def kept(array) -> int:
    """Returns the number of non-zero entries."""
    return int(np.count_nonzero(array))


def macs(weights: int, positions: int) -> int:
    """Returns multiply-accumulates: each weight is used once a position.

    Args:
        weights: Integer, entries of the kernel, or those of them that are
            not zero.
        positions: Integer, places where the kernel is applied to one
            example: output pixels of a convolution, time steps of an RNN,
            1 for a dense layer on a vector.
    """
    return weights * positions


def positions(output_shape, features: int) -> int:
    """Returns output entries of one example per output feature."""
    sizes = [size or 1 for size in output_shape[1:]]
    return max(math.prod(sizes) // max(features, 1), 1)


def gzipped(arrays) -> int:
    """Returns the bytes of some arrays after gzip, as a download has them."""
    raw = b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)
    return len(gzip.compress(raw, compresslevel=6, mtime=0))
