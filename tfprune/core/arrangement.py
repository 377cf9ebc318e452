"""Arrangement: a kernel with what is summed over as its last axis but one."""

from __future__ import annotations

import math

import numpy as np
from keras import ops


class Arrangement:
    """How a kernel is transposed to `(..., summed, outputs)`, and back.

    Args:
        shape: Tuple of integers, of the kernel.
        axes: Tuple of integers, the axes that are summed over, whose entries
            come in the order of these axes. None: the array stays as it is.

    Attributes:
        shape: Tuple of integers, of the arranged kernel.
    """

    def __init__(self, shape, axes):
        rank = len(shape)
        summed = [axis % rank for axis in axes or ()]
        others = [axis for axis in range(rank) if axis not in summed]
        self._order = [*others[:-1], *summed, *others[-1:]]
        self._sizes = [shape[axis] for axis in self._order]
        self.shape = tuple(shape)
        if axes is not None:
            size = math.prod(shape[axis] for axis in summed)
            first = [shape[axis] for axis in others[:-1]]
            last = math.prod(shape[axis] for axis in others[-1:])
            self.shape = (*first, size, last)

    def arrange(self, array):
        """The array as `(..., summed, outputs)`."""
        return ops.reshape(ops.transpose(array, self._order), self.shape)

    def restore(self, array):
        """The inverse of `arrange`."""
        array = ops.reshape(array, self._sizes)
        return ops.transpose(array, np.argsort(self._order).tolist())
