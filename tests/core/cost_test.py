"""Counts of parameters, multiply-accumulates and bytes."""

import numpy as np
import pytest

from tfprune.core import cost


def test_kept_counts_what_is_not_zero():
    assert cost.kept(np.array([[1.0, 0.0, -2.0], [0.0, -0.0, 1e-30]])) == 3
    assert cost.kept(np.zeros((3, 0))) == 0


@pytest.mark.parametrize(
    "weights, output_shape, features, expected",
    [
        # AlexNet (Krizhevsky, one tower): conv1, conv2 and fc6.
        (11 * 11 * 3 * 96, (None, 55, 55, 96), 96, 105_415_200),
        (5 * 5 * 96 * 256, (None, 27, 27, 256), 256, 447_897_600),
        (9216 * 4096, (None, 4096), 4096, 37_748_736),
    ],
)
def test_macs_of_alexnet(weights, output_shape, features, expected):
    positions = cost.positions(output_shape, features)
    assert cost.macs(weights, positions) == expected


@pytest.mark.parametrize(
    "output_shape, features, expected",
    [
        ((None, 10), 10, 1),
        ((32, 10), 10, 1),
        ((None, 7, 10), 10, 7),
        ((None, 8, 8, 16), 16, 64),
        ((None, 16, 8, 8), 16, 64),  # channels first
        ((None, None, None, 16), 16, 1),  # unknown sizes count once
    ],
)
def test_positions(output_shape, features, expected):
    assert cost.positions(output_shape, features) == expected


def test_gzip_sees_zeros():
    rng = np.random.default_rng(0)
    dense = rng.normal(size=(100, 100)).astype("float32")
    sparse = np.where(rng.random(dense.shape) < 0.9, 0, dense)
    assert cost.gzipped([sparse]) < 0.3 * cost.gzipped([dense])
    assert cost.gzipped([dense]) < 1.01 * dense.nbytes


def test_gzip_is_deterministic_and_takes_any_layout():
    array = np.arange(12.0).reshape(3, 4)
    assert cost.gzipped([array.T]) == cost.gzipped([array.T.copy()])
    assert cost.gzipped([array, array]) == cost.gzipped([array, array])
