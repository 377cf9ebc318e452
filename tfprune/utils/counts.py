"""Entries and bytes of arrays."""

from __future__ import annotations

import gzip

import numpy as np


def kept(array) -> int:
    """The number of non-zero entries."""
    return int(np.count_nonzero(array))


def gzipped(arrays) -> int:
    """The bytes of some arrays after gzip, as a download has them."""
    raw = b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)
    return len(gzip.compress(raw, compresslevel=6, mtime=0))
