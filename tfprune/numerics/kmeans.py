"""k-means of the columns of a matrix, or of numbers; no mean runs empty."""

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


def cluster_numbers(
    numbers: np.ndarray,
    count: int,
    weights: np.ndarray | None = None,
    rounds: int = 100,
) -> np.ndarray:
    """Finds means that numbers are near to, in order.

    The first means divide the range evenly: what is large is rare, and counts.

    Args:
        numbers: Float array `(entries,)`, not empty.
        count: Integer from 1 on.
        weights: Float array `(entries,)`, what an error of each costs. Defaults
            to None: 1.
        rounds: Integer, of Lloyd's algorithm at most. Defaults to 100.

    Returns:
        Float64 array of at most `count` means, increasing.
    """
    weights = np.ones(numbers.size) if weights is None else weights
    order = np.argsort(numbers)
    x, w = numbers[order].astype("float64"), weights[order].astype("float64")
    sums = [np.concatenate([[0.0], np.cumsum(y)]) for y in (w, w * x)]
    means = np.linspace(x[0], x[-1], 2 * count + 1)[1::2]
    for _ in range(rounds):
        before, means = means, _means_between(x, sums, means)
        if np.array_equal(before, means):
            break
    return means


def nearest(numbers: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Which of increasing means is nearest to each number."""
    return np.searchsorted((means[1:] + means[:-1]) / 2, numbers)


def _means_between(x, sums, means):
    """The mean of what is nearest to each; those without anything go."""
    cuts = np.searchsorted(x, (means[1:] + means[:-1]) / 2)
    cuts = np.concatenate([[0], cuts, [x.size]])
    weight, total = (np.diff(each[cuts]) for each in sums)
    return total[weight > 0] / weight[weight > 0]


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
