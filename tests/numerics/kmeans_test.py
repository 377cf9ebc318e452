"""k-means of numbers beside an obvious one."""

import numpy as np
import pytest

from tfprune.numerics import kmeans


def slow(numbers, means, weights, rounds=100):
    for _ in range(rounds):
        of = np.argmin(np.abs(numbers[:, None] - means), axis=1)
        means = np.array(
            [
                np.average(numbers[of == k], weights=weights[of == k])
                for k in range(len(means))
                if np.any(of == k)
            ]
        )
    return means


@pytest.mark.parametrize("count", [1, 2, 7, 31])
def test_means_are_those_of_lloyds_algorithm(count):
    rng = np.random.default_rng(0)
    numbers, weights = rng.normal(size=300), rng.uniform(size=300)
    first = np.linspace(numbers.min(), numbers.max(), 2 * count + 1)[1::2]
    found = kmeans.cluster_numbers(numbers, count, weights)
    np.testing.assert_allclose(found, slow(numbers, first, weights), 1e-9)


def test_few_numbers_are_their_own_means():
    numbers = np.array([3.0, -1.0, 3.0, 2.0])
    found = kmeans.cluster_numbers(numbers, 40)
    np.testing.assert_allclose(found, [-1.0, 2.0, 3.0])
    np.testing.assert_allclose(found[kmeans.nearest(numbers, found)], numbers)


def test_one_number():
    assert kmeans.cluster_numbers(np.array([0.5]), 4) == [0.5]
