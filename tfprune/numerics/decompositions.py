"""Decompositions: a bank of filters as the product of two low-rank matrices.

`matrix ~ left @ right`, with one filter in each column of the matrix:
`(entries, filters) ~ (entries, rank) @ (rank, filters)`. The columns of `left`
are the filters that are left; `right` has the coefficients by which the
others are linear combinations of them.

A decomposition fits a matrix once and gives a `Factors`, which knows the rank
that each share of energy needs. Energy has the meaning of its method, and is
1 at full rank, where the product is exact.
"""

from __future__ import annotations

import dataclasses
import typing

import numpy as np

from tfprune.numerics import kmeans
from tfprune.utils import serialization
from tfprune.utils import validation

_ROUNDING = 1e-9


class Responses(typing.NamedTuple):
    """Activation statistics of filters on data: moments of their outputs.

    Args:
        gram: Float array `(filters, filters)`, the mean of outer products.
        mean: Float array `(filters,)`.
    """

    gram: np.ndarray
    mean: np.ndarray


@dataclasses.dataclass(frozen=True)
class Factors:
    """A matrix in factors, the leading columns and rows the best ones.

    Args:
        left: Float array `(entries, full rank)`.
        right: Float array `(full rank, filters)`.
        energies: Float array `(full rank,)`, the share of the energy that
            ranks 1, 2, ... keep.
        offset: Float array `(filters,)`, the mean response, of which what
            the factors do not keep becomes a bias; or None.
    """

    left: np.ndarray
    right: np.ndarray
    energies: np.ndarray
    offset: np.ndarray | None = None

    @property
    def full_rank(self) -> int:
        """The rank at which nothing is lost."""
        return self.energies.size

    def rank(self, energy: float) -> int:
        """The least rank that keeps so much energy, 1 or more."""
        enough = int(np.searchsorted(self.energies, energy - _ROUNDING))
        return min(enough + 1, self.full_rank)

    def energy(self, rank: int) -> float:
        """The share of the energy that a rank keeps."""
        return float(self.energies[rank - 1])

    def at(self, rank: int) -> tuple:
        """`left` and `right` of a rank, and what to add to a bias."""
        left, right = self.left[:, :rank], self.right[:rank]
        if self.offset is None:
            return left, right, 0.0
        return left, right, self.offset - self.offset @ right.T @ right


@serialization.serializable
class PCA(serialization.Serializable):
    """Principal components: energy is the share of the eigenvalues.

    The eigenvectors V of `matrix.T @ matrix`, or of the activation statistics
    on data, are `right`, transposed; `left` is `matrix @ V`.

    Args:
        centered: Bool: of the covariance, means taken off. Defaults to
            False, as the published code has it. With responses, the mean
            then lives on in the bias.

    Reference:
        Wen et al. Coordinating Filters for Faster Deep Neural Networks. ICCV
        2017; of responses: Zhang et al. Accelerating Very Deep Convolutional
        Networks for Classification and Detection. TPAMI 2016.
    """

    centered: bool = False

    def fit(
        self, matrix: np.ndarray, responses: Responses | None = None
    ) -> Factors:
        """The `Factors` of a matrix `(entries, filters)`."""
        gram = self._gram(matrix, responses)
        values, vectors = np.linalg.eigh(gram)
        full = self._full_rank(matrix, responses)
        values, vectors = values[::-1][:full], vectors[:, ::-1][:, :full]
        mean = responses.mean if responses and self.centered else None
        return Factors(
            matrix @ vectors, vectors.T, _shares(np.maximum(values, 0)), mean
        )

    def _gram(self, matrix, responses):
        if responses is None:
            rows = matrix - self.centered * matrix.mean(axis=0)
            return rows.T @ rows
        mean = self.centered * responses.mean
        return responses.gram - np.outer(mean, mean)

    def _full_rank(self, matrix, responses):
        # The eigenvectors of anything but the matrix's own products do not
        # span its rows before there are as many as columns.
        own = responses is None and not self.centered
        return min(matrix.shape) if own else matrix.shape[1]


@serialization.serializable
class SVD(serialization.Serializable):
    """Singular values S, of which each factor takes the square root.

    Energy is the norm of what is kept by the norm of all:
    `sqrt(sum of the first S^2) / ||S||`, so that a share of .95 keeps a
    lower rank than it does with `PCA`.
    """

    def fit(
        self, matrix: np.ndarray, responses: Responses | None = None
    ) -> Factors:
        """The `Factors` of a matrix `(entries, filters)`."""
        _check_no_responses(self, responses)
        left, values, right = np.linalg.svd(matrix, full_matrices=False)
        root = np.sqrt(values)
        return Factors(
            left * root, root[:, None] * right, np.sqrt(_shares(values**2))
        )


@serialization.serializable
class KMeans(serialization.Serializable):
    """Each filter becomes the mean of its cluster.

    Energy is the share of the matrix's squares that the means explain.

    Args:
        seed: Integer, of the first means. Defaults to 0.
        rounds: Integer, of Lloyd's algorithm at most. Defaults to 50.
    """

    seed: int = 0
    rounds: int = 50

    def fit(
        self, matrix: np.ndarray, responses: Responses | None = None
    ) -> Clusters:
        """The `Clusters` of a matrix `(entries, filters)`."""
        _check_no_responses(self, responses)
        return Clusters(matrix, self.seed, self.rounds)


@dataclasses.dataclass(frozen=True)
class Clusters:
    """The counterpart of `Factors`: each rank has means of its own."""

    matrix: np.ndarray
    seed: int
    rounds: int

    @property
    def full_rank(self) -> int:
        """The number of filters."""
        return self.matrix.shape[1]

    @property
    def energies(self) -> np.ndarray:
        """The shares that 1, 2, ... means explain."""
        ranks = range(1, self.full_rank + 1)
        return np.array([self.energy(rank) for rank in ranks])

    def rank(self, energy: float) -> int:
        """A rank that keeps so much energy, found by bisection."""
        low, high = 0, self.full_rank
        while high - low > 1:
            middle = (low + high) // 2
            enough = self.energy(middle) >= energy - _ROUNDING
            low, high = (low, middle) if enough else (middle, high)
        return high

    def energy(self, rank: int) -> float:
        """The share of the squares that so many means explain."""
        left, right, _ = self.at(rank)
        total = np.sum(self.matrix**2)
        lost = np.sum((self.matrix - left @ right) ** 2)
        return 1.0 - lost / total if total else 1.0

    def at(self, rank: int) -> tuple:
        """The means, one-hot assignments, and nothing for a bias."""
        means, of = kmeans.cluster(self.matrix, rank, self.seed, self.rounds)
        return means, np.eye(rank)[of].T, 0.0


def _shares(squares):
    total = squares.sum()
    return np.cumsum(squares) / total if total else np.ones_like(squares)


def _check_no_responses(method, responses):
    validation.check(
        "data",
        "given",
        responses is None,
        f"None: only PCA looks at responses, not {type(method).__name__}",
    )
