"""Masks in, bytes, masks out; and how many bytes."""

import numpy as np
import pytest

from tfprune.exporters.compact import entropy_coding
from tfprune.exporters.compact import positions

SHAPES = [
    *((), (1,), (7,), (0,), (3, 0), (1, 1), (5, 1), (1, 6), (40, 30)),
    *((3, 3, 1, 1), (3, 3, 16, 1), (5, 5, 3, 8), (3, 3, 20, 24), (2, 3, 4)),
]


def through(mask):
    writer = entropy_coding.Writer()
    positions.code(writer, mask, mask.shape)
    data = writer.to_bytes()
    reader = entropy_coding.Reader(data)
    return positions.code(reader, None, mask.shape), len(data)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 1.0])
def test_masks_come_back(shape, share):
    mask = np.asarray(np.random.default_rng(0).random(shape) < share)
    found, _ = through(mask)
    assert found.dtype == bool and found.shape == shape
    np.testing.assert_array_equal(found, mask)


def entropy(share):
    return -share * np.log2(share) - (1 - share) * np.log2(1 - share)


def test_what_is_random_takes_its_entropy():
    mask = np.random.default_rng(1).random((3, 3, 64, 128)) < 0.1
    _, length = through(mask)
    assert length < 1.01 * entropy(0.1) * mask.size / 8


def test_empty_rows_and_columns_are_named_once():
    mask = np.zeros((400, 300), bool)
    mask[::10, ::10] = np.random.default_rng(2).random((40, 30)) < 0.5
    _, length = through(mask)
    flags = entropy(0.1) * 700
    assert length < (1200 + flags) / 8 + 16


@pytest.mark.parametrize("axis", [2, 3])
def test_where_filters_or_inputs_differ_that_is_learned(axis):
    rng = np.random.default_rng(3)
    shares = rng.choice([0.01, 0.4], (3, 3, 128, 128)[axis])
    if axis == 2:
        shares = shares[:, None]
    mask = rng.random((3, 3, 128, 128)) < shares
    _, length = through(mask)
    ideal = np.mean(entropy(shares)) * mask.size / 8
    assert length < 1.08 * ideal < 0.9 * entropy(mask.mean()) * mask.size / 8
