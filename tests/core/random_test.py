"""The counter hash: the same bits everywhere, and random enough."""

import numpy as np
import pytest
import tensorflow as tf

from tfprune.core import random

# Every operation is element by element: many steps at once are one call.
STEPS = np.arange(20_000, dtype="int32")

MODES = {
    "eager": lambda function: function,
    "graph": tf.function,
    "xla": lambda function: tf.function(function, jit_compile=True),
}


def reference(seed, unit, step):
    """The same hash, in NumPy's wrapping uint32 arithmetic."""
    word = np.atleast_1d(step).astype("uint32")
    for key in (seed, unit):
        word = word ^ np.uint32((key + 1) * 0x9E3779B9 % 2**32)
        word = word ^ (word >> np.uint32(16))
        word = word * np.uint32(0x85EBCA6B)
        word = word ^ (word >> np.uint32(13))
        word = word * np.uint32(0xC2B2AE35)
        word = word ^ (word >> np.uint32(16))
    return (word >> np.uint32(8)).astype("float32") / np.float32(2**24)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed, unit", [(0, 0), (1, 7), (2**31, 3), (-5, 1)])
def test_the_same_bits_everywhere(mode, seed, unit):
    run = MODES[mode](lambda step: random.uniform(seed, unit, step))
    np.testing.assert_array_equal(
        run(tf.constant(STEPS)), reference(seed, unit, STEPS)
    )


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint32"])
def test_a_scalar_step_of_any_integer_type(dtype):
    value = random.uniform(3, 4, tf.constant(1234, dtype))
    assert value.shape == () and value.dtype == tf.float32
    assert float(value) == reference(3, 4, 1234)[0]


def test_first_values_stay_as_they_are():
    """A change here changes every published result with random updates."""
    values = random.uniform(0, 0, tf.range(4))
    expected = [0.1042626, 0.7055218, 0.6677080, 0.8269063]
    np.testing.assert_allclose(values, expected, atol=1e-7)


@pytest.mark.parametrize("seed, unit", [(0, 0), (0, 1), (1, 0), (123, 45)])
def test_uniform_in_the_unit_interval(seed, unit):
    x = np.array(random.uniform(seed, unit, STEPS), "float64")
    assert 0.0 <= x.min() and x.max() < 1.0
    # Five deviations of each estimate.
    assert abs(x.mean() - 1 / 2) < 5 * np.sqrt(1 / 12 / x.size)
    assert abs(x.var() - 1 / 12) < 5 * np.sqrt(1 / 180 / x.size)
    histogram, _ = np.histogram(x, bins=20, range=(0, 1))
    chi_squared = np.sum((histogram - x.size / 20) ** 2) / (x.size / 20)
    assert chi_squared < 19 + 5 * np.sqrt(2 * 19)


@pytest.mark.parametrize("lag", [1, 2, 3, 8, 100, 256])
def test_no_serial_correlation(lag):
    x = np.array(random.uniform(0, 0, STEPS), "float64")
    correlation = np.corrcoef(x[:-lag], x[lag:])[0, 1]
    assert abs(correlation) < 5 / np.sqrt(x.size)


@pytest.mark.parametrize(
    "one, other",
    [
        ((0, 0), (0, 1)),
        ((0, 0), (1, 0)),
        ((0, 1), (1, 0)),
        ((0, 5), (0, 6)),
        ((7, 0), (-7, 0)),
    ],
)
def test_other_seeds_and_units_are_unrelated(one, other):
    x = np.array(random.uniform(*one, STEPS), "float64")
    y = np.array(random.uniform(*other, STEPS), "float64")
    assert np.mean(x == y) < 0.001
    assert abs(np.corrcoef(x, y)[0, 1]) < 5 / np.sqrt(x.size)
