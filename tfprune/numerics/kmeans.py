"""k-means of the columns of a matrix, with means that never run empty."""

from __future__ import annotations

import numpy as np


def cluster(
    matrix: np.ndarray, count: int, seed: int = 0, rounds: int = 50
) -> tuple[np.ndarray, np.ndarray]:
    """Clusters the columns of a matrix.

    The first means are columns far from each other: one at random, then
    always the one that is farthest from those chosen.

    Args:
        matrix: Float array `(entries, columns)`.
        count: Integer from 1 to the number of columns.
        seed: Integer. Defaults to 0.
        rounds: Integer, of Lloyd's algorithm at most. Defaults to 50.

    Returns:
        Float array `(entries, count)`, the means; and integer array
        `(columns,)`, the mean of each column.
    """
    means = matrix[:, _first(matrix, count, seed)]
    of = _nearest(matrix, means)
    for _ in range(rounds):
        means = _means(matrix, of, means)
        before, of = of, _nearest(matrix, means)
        if np.array_equal(before, of):
            break
    return means, of


def _first(matrix, count, seed):
    chosen = [int(np.random.default_rng(seed).integers(matrix.shape[1]))]
    distances = np.full(matrix.shape[1], np.inf)
    while len(chosen) < count:
        last = matrix[:, chosen[-1:]]
        distances = np.minimum(distances, np.sum((matrix - last) ** 2, axis=0))
        distances[chosen] = -1.0  # Equal columns are still columns.
        chosen.append(int(np.argmax(distances)))
    return chosen


def _nearest(matrix, means):
    squares = np.sum(means**2, axis=0)
    return np.argmin(squares - 2 * (matrix.T @ means), axis=1)


def _means(matrix, of, before):
    counts = np.bincount(of, minlength=before.shape[1])
    sums = matrix @ np.eye(before.shape[1])[of]
    return np.where(counts > 0, sums / np.maximum(counts, 1), before)
