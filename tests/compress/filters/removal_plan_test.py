"""What can be removed, and what that saves, before anything is."""

import keras
import numpy as np
import pytest
from keras import layers

from tfprune.compress.filters import removal_plan
from tfprune.compress.filters import sizes
from tfprune.compress.filters import zero


def net():
    """Filters 1 and 3 of 4 give nothing; the second layer has no bias."""
    x = keras.Input((6, 6, 2))
    y = layers.Conv2D(4, 3, name="one")(x)
    y = layers.Conv2D(3, 3, use_bias=False, name="two")(y)
    model = keras.Model(x, y)
    kernel = model.get_layer("one").kernel
    kernel.assign(kernel * [1.0, 0.0, 1.0, 0.0])
    return model


def test_the_rows_are_before_and_after():
    plan = removal_plan.plan_removal(net())
    one, two = plan.rows
    assert one.before == sizes.Size(4, 76, 16 * 72, 4 * 76)
    assert one.after == sizes.Size(2, 38, 16 * 36, 4 * 38)
    assert two.before == sizes.Size(3, 108, 4 * 108, 4 * 108)
    assert two.after == sizes.Size(3, 54, 4 * 54, 4 * 54)
    assert plan.total.after.parameters == 38 + 54
    assert "4 -> 2" in str(plan).splitlines()[1]


def test_a_constant_becomes_part_of_a_bias_that_is_new():
    model = net()
    model.get_layer("one").bias.assign([0.0, 1.0, 0.0, 0.0])
    plan = removal_plan.plan_removal(model)
    two = model.get_layer("two")
    taps = two.kernel.numpy().sum(axis=(0, 1))
    np.testing.assert_allclose(plan.biases[id(two)], taps[1], rtol=1e-5)
    assert plan.rows[1].after == sizes.Size(3, 57, 4 * 54, 4 * 57)


def test_a_plan_changes_nothing():
    model = zero.zero_filters(net(), 0.5)
    before = model.get_weights()
    removal_plan.plan_removal(model)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("divisor", [0, 1.5, -2])
def test_a_divisor_must_be_a_count(divisor):
    with pytest.raises(ValueError, match="`divisor` must be an integer"):
        removal_plan.plan_removal(net(), divisor)
