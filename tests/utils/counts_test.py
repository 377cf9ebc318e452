"""Entries and bytes of arrays."""

import numpy as np

from tfprune.utils import counts


def test_kept_counts_what_is_not_zero():
    assert counts.kept(np.array([[1.0, 0.0, -2.0], [0.0, -0.0, 1e-30]])) == 3
    assert counts.kept(np.zeros((3, 0))) == 0


def test_gzip_sees_zeros():
    rng = np.random.default_rng(0)
    dense = rng.normal(size=(100, 100)).astype("float32")
    sparse = np.where(rng.random(dense.shape) < 0.9, 0, dense)
    assert counts.gzipped([sparse]) < 0.3 * counts.gzipped([dense])
    assert counts.gzipped([dense]) < 1.01 * dense.nbytes


def test_gzip_is_deterministic_and_takes_any_layout():
    array = np.arange(12.0).reshape(3, 4)
    assert counts.gzipped([array.T]) == counts.gzipped([array.T.copy()])
    assert counts.gzipped([array, array]) == counts.gzipped([array, array])
