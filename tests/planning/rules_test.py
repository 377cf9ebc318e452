"""Rules decide masks for a setting as a training step would."""

import keras
import numpy as np

import tfprune
from tfprune.planning import rules


def test_what_is_masked_does_not_count_by_the_value_under_its_mask():
    """Of wrapped layers, that is kept where a mask was set by hand."""
    dense = keras.layers.Dense(2, name="dense", use_bias=False)
    model = keras.Sequential([keras.Input((4,)), dense])
    dense.kernel.assign([[9.0, 9.0], [9.0, 9.0], [1.0, 2.0], [3.0, 4.0]])
    model = tfprune.prune(model, tfprune.methods.Magnitude(0.5), wrap=True)
    mask = np.array([[False] * 2, [False] * 2, [True] * 2, [True] * 2])
    tfprune.set_mask(model, "dense", mask)
    (rule,) = rules.rules(model)
    half = {"dense": keras.ops.convert_to_tensor(0.5)}
    ((_, found),) = rule.masks("target_sparsity", half)
    np.testing.assert_array_equal(found, mask)
