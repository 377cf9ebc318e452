"""Random sparse weights for the tests of the ops."""

import numpy as np


def sparse(rows, columns, sparsity, seed=0):
    """Returns a random array of which so much is zero."""
    rng = np.random.default_rng(seed)
    array = rng.normal(size=(rows, columns)).astype("float32")
    array[rng.random((rows, columns)) < sparsity] = 0
    return array
