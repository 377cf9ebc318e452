"""How much by now."""

import numpy as np
import pytest
import tensorflow as tf

from tfprune.core import sparsity_schedules


def sparsities(schedule, steps):
    return [float(schedule.sparsity(tf.constant(step))) for step in steps]


def test_constant():
    values = sparsities(sparsity_schedules.Constant(0.75), [0, 1, 10**9])
    assert values == [0.75] * 3


@pytest.mark.parametrize(
    "power, expected",
    [
        (1.0, [0.2, 0.2, 0.35, 0.5, 0.65, 0.8, 0.8, 0.8]),
        # 1 - left^3 of the way up, with left = 3/4, 1/2, 1/4.
        (3.0, [0.2, 0.2, 0.546875, 0.725, 0.790625, 0.8, 0.8, 0.8]),
    ],
)
def test_polynomial(power, expected):
    schedule = sparsity_schedules.Polynomial(
        0.2, 0.8, begin_step=10, end_step=50, power=power
    )
    values = sparsities(schedule, [0, 10, 20, 30, 40, 50, 51, 10**9])
    np.testing.assert_allclose(values, expected, rtol=1e-6)


def test_polynomial_hits_its_ends_exactly():
    schedule = sparsity_schedules.Polynomial(
        0.0, 0.9, begin_step=3, end_step=10
    )
    assert sparsities(schedule, [3, 10]) == [0.0, float(np.float32(0.9))]


def test_polynomial_may_go_down():
    schedule = sparsity_schedules.Polynomial(
        0.8, 0.2, begin_step=0, end_step=2, power=1.0
    )
    np.testing.assert_allclose(sparsities(schedule, [0, 1, 2]), [0.8, 0.5, 0.2])


@pytest.mark.parametrize(
    "schedule",
    [sparsity_schedules.Constant(0.3), sparsity_schedules.Polynomial()],
)
def test_same_under_xla_and_for_any_integer(schedule):
    compiled = tf.function(schedule.sparsity, jit_compile=True)
    for dtype in ("int32", "int64"):
        step = tf.constant(123, dtype)
        np.testing.assert_allclose(
            compiled(step), schedule.sparsity(step), rtol=1e-6
        )


@pytest.mark.parametrize("bad", [1.0, 1.2, -0.1, True, float("nan"), "0.5"])
@pytest.mark.parametrize(
    "schedule, name",
    [
        (sparsity_schedules.Constant, "final_sparsity"),
        (sparsity_schedules.Polynomial, "final_sparsity"),
        (sparsity_schedules.Polynomial, "initial_sparsity"),
    ],
)
def test_a_sparsity_is_a_fraction(schedule, name, bad):
    message = rf"`{name}` must be in \[0, 1\). Received: {name}={bad}"
    with pytest.raises(ValueError, match=message):
        schedule(**{name: bad})


@pytest.mark.parametrize("begin_step, end_step", [(5, 5), (5, 4), (-1, 4)])
def test_the_end_is_after_the_begin(begin_step, end_step):
    message = f"`end_step` must be .*begin_step={begin_step}.* Received: "
    with pytest.raises(ValueError, match=message):
        sparsity_schedules.Polynomial(begin_step=begin_step, end_step=end_step)
