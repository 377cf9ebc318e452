"""Winograd: a convolution as products of coefficients, tile by tile.

    output tile = A^T [ (G g G^T) * (B^T d B) ] A

for each 4x4 tile of the output, with g a filter of r x r weights and d the
M x M pixels of input that the tile depends on, M = r + 3. The products run
over the input channels as well. F(4x4, 3x3) takes a quarter of a direct
convolution's multiplications, F(4x4, 5x5) 6.25 times fewer.

Reference: Lavin, Gray. Fast Algorithms for Convolutional Neural Networks. CVPR
2016; Li, Park, Tang. Enabling Sparse Winograd Convolution by Native Pruning.
2017.
"""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np
from keras import ops

from tfprune.utils import validation

TILE = 4


@dataclasses.dataclass(frozen=True, eq=False)
class Transform:
    """The matrices of one size of filters.

    Args:
        kernel_size: Integer r, rows and columns of a filter.
        weights: Float array G, `(M, r)`.
        inputs: Float array B, `(M, M)`.
        outputs: Float array A, `(M, 4)`.
    """

    kernel_size: int
    weights: np.ndarray
    inputs: np.ndarray
    outputs: np.ndarray

    @property
    def size(self) -> int:
        """M, rows and columns of a tile's coefficients."""
        return len(self.inputs)

    @property
    def inverse(self) -> np.ndarray:
        """pinv(G), `(r, M)`: the least squares way back to weights."""
        return np.linalg.pinv(self.weights)

    @property
    def threshold_factors(self) -> np.ndarray:
        """By position, 1 / ||row of (A kron A)||: `(M, M)`.

        What a threshold on coefficients is multiplied by, so that each
        position may change the output by as much.
        """
        norms = np.linalg.norm(self.outputs, axis=1)
        return 1 / np.outer(norms, norms)

    def balance(self, gains=None) -> np.ndarray:
        """The ratios of coefficients to the entries of a kernel.

        `threshold_factors` by `gains`, times 4 r / M: then all entries matter
        alike, and together move the output as r x r weights of the same mean
        square would.

        Args:
            gains: Float array `(M, M, ...)`, the root of the mean square of
                the transformed inputs by that of the inputs. Defaults to
                None: what it is for independent pixels in the mean of all
                positions, at each of them.

        Returns:
            Float array of the shape of `gains`, or `(M, M)`.
        """
        if gains is None:
            gains = np.sum(np.square(self.inputs)) / self.size
        more = (1,) * (np.ndim(gains) - 2)
        factors = self.threshold_factors.reshape(self.size, self.size, *more)
        return TILE * self.kernel_size / self.size * factors / gains

    @property
    def projection_norms(self) -> np.ndarray:
        """By position, ||column of pinv(G kron G)||: `(M, M)`.

        What a threshold on weights is multiplied by to be one on
        coefficients.
        """
        norms = np.linalg.norm(self.inverse, axis=0)
        return np.outer(norms, norms)


def transform(kernel_size: int) -> Transform:
    """The transform of square filters of this size.

    Raises:
        ValueError: for a size other than 3 and 5.
    """
    known = kernel_size in tuple(_MATRICES)
    validation.check("kernel_size", kernel_size, known, "3 or 5")
    return _transform(kernel_size)


def coefficients(kernel, kernel_size: int):
    """Returns G g G^T of every filter.

    Args:
        kernel: Float tensor `(r, r, channels, filters)`.
        kernel_size: Integer r.

    Returns:
        Float tensor `(M, M, channels, filters)`.
    """
    return both_axes(transform(kernel_size).weights.T, kernel)


def weights(kernel, kernel_size: int):
    """The filters whose coefficients are nearest, least squares.

    Args:
        kernel: Float tensor `(M, M, channels, filters)`, coefficients.
        kernel_size: Integer r.

    Returns:
        Float tensor `(r, r, channels, filters)`.
    """
    return both_axes(transform(kernel_size).inverse.T, kernel)


def both_axes(matrix: np.ndarray, tensor):
    """`matrix^T t matrix` over the first two axes of a tensor.

    Those two are first so that both products are of matrices as they lie in
    memory.
    """
    old, new = matrix.shape
    rest = ops.shape(tensor)[2:]
    inner = math.prod(rest)
    matrix = ops.convert_to_tensor(matrix.T, tensor.dtype)
    rows = ops.matmul(matrix, ops.reshape(tensor, (old, old * inner)))
    both = ops.matmul(matrix, ops.reshape(rows, (new, old, inner)))
    return ops.reshape(both, (new, new, *rest))


@functools.cache
def _transform(kernel_size):
    return Transform(kernel_size, *map(np.array, _MATRICES[kernel_size]))


# G, B and A. The points are 0, 1, -1, 2, -2 and infinity, and for filters of
# 5x5 weights also 1/2 and -1/2.
_MATRICES = {
    3: (
        [
            [1 / 4, 0, 0],
            [-1 / 6, -1 / 6, -1 / 6],
            [-1 / 6, 1 / 6, -1 / 6],
            [1 / 24, 1 / 12, 1 / 6],
            [1 / 24, -1 / 12, 1 / 6],
            [0, 0, 1],
        ],
        [
            [4.0, 0, 0, 0, 0, 0],
            [0, -4, 4, -2, 2, 4],
            [-5, -4, -4, -1, -1, 0],
            [0, 1, -1, 2, -2, -5],
            [1, 1, 1, 1, 1, 0],
            [0, 0, 0, 0, 0, 1],
        ],
        [
            [1.0, 0, 0, 0],
            [1, 1, 1, 1],
            [1, -1, 1, -1],
            [1, 2, 4, 8],
            [1, -2, 4, -8],
            [0, 0, 0, 1],
        ],
    ),
    5: (
        [
            [1, 0, 0, 0, 0],
            [-2 / 9, -2 / 9, -2 / 9, -2 / 9, -2 / 9],
            [-2 / 9, 2 / 9, -2 / 9, 2 / 9, -2 / 9],
            [1 / 90, 1 / 45, 2 / 45, 4 / 45, 8 / 45],
            [1 / 90, -1 / 45, 2 / 45, -4 / 45, 8 / 45],
            [4 / 45, 2 / 45, 1 / 45, 1 / 90, 1 / 180],
            [4 / 45, -2 / 45, 1 / 45, -1 / 90, 1 / 180],
            [0, 0, 0, 0, 1],
        ],
        [
            [1.0, 0, 0, 0, 0, 0, 0, 0],
            [0, 1, -1, 1 / 2, -1 / 2, 2, -2, -1],
            [-21 / 4, 1, 1, 1 / 4, 1 / 4, 4, 4, 0],
            [0, -17 / 4, 17 / 4, -5 / 2, 5 / 2, -5 / 2, 5 / 2, 21 / 4],
            [21 / 4, -17 / 4, -17 / 4, -5 / 4, -5 / 4, -5, -5, 0],
            [0, 1, -1, 2, -2, 1 / 2, -1 / 2, -21 / 4],
            [-1, 1, 1, 1, 1, 1, 1, 0],
            [0, 0, 0, 0, 0, 0, 0, 1],
        ],
        [
            [1.0, 0, 0, 0],
            [1, 1, 1, 1],
            [1, -1, 1, -1],
            [1, 2, 4, 8],
            [1, -2, 4, -8],
            [8, 4, 2, 1],
            [8, -4, 2, -1],
            [0, 0, 0, 1],
        ],
    ),
}
