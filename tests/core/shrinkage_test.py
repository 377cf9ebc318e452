"""What becomes of small weights: published thresholds, and NumPy references."""

import numpy as np
import pytest
import tensorflow as tf

from tfprune.core import shrinkage
from tfprune.core import signals

OWN = {"threshold": np.float32(1e-4), "decay": np.float32(0.5)}
RATE = 0.1
W = np.array([-0.3, -0.05, -5e-5, 0.0, 5e-5, 2e-4, 0.05, 0.06], "float32")


@pytest.mark.parametrize(
    ("factor", "movement", "threshold"),
    [
        (10, 0, 1e-3),
        (10, 1e-4, 9.99e-4),
        (10, 1e-3, 9.90e-4),
        (10, 0.01, 9.09e-4),
        (10, 0.1, 5e-4),
        (10, 1, 9.09e-5),
        (10, 10, 9.90e-6),
        (2, 0, 2e-4),
        (2, 1e-4, 2.0e-4),
        (2, 1e-3, 1.996e-4),
        (2, 0.01, 1.96e-4),
        (2, 0.1, 1.67e-4),
        (2, 1, 6.67e-5),
        (2, 10, 9.5e-6),
    ],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_guided_thresholds_of_the_released_code(
    factor, movement, threshold, sign
):
    rule = shrinkage.Guided(factor)
    found = rule.threshold(np.float32(sign * movement), OWN)
    assert float(found) == pytest.approx(threshold, rel=5e-3)
    # 1 / (abs(d) / th0 + 1 / (f * th0)), as the code writes it.
    written = 1 / (movement / 1e-4 + 1 / (factor * 1e-4))
    assert float(found) == pytest.approx(written, rel=1e-5)
    weights = np.float32([0.99 * written, -0.99 * written, 1.01 * written])
    left = rule(weights, np.float32([sign * movement] * 3), RATE, OWN)
    np.testing.assert_array_equal(left, weights * [0, 0, 1])


def test_the_threshold_itself_goes():
    limit = np.float32(2.0**-10)
    weights = np.array([limit, -limit, np.nextafter(limit, np.float32(1))])
    left = shrinkage.Hard()(weights, None, RATE, {"threshold": limit})
    np.testing.assert_array_equal(left, [0, 0, weights[2]])


def test_hard_has_one_threshold_for_all():
    left = shrinkage.Hard()(W, W, RATE, OWN)
    np.testing.assert_array_equal(left, np.where(np.abs(W) <= 1e-4, 0, W))


def test_soft_moves_all_towards_zero():
    left = shrinkage.Soft()(W, W, RATE, OWN)
    expected = np.sign(W) * np.maximum(np.abs(W) - 0.05, 0)
    np.testing.assert_allclose(left, expected, 0, 1e-8)
    assert np.count_nonzero(left) == 2


def test_hidden_leaves_weights_and_masks_by_the_threshold():
    rule = shrinkage.Hidden()
    assert rule(W, W, RATE, OWN) is W
    np.testing.assert_array_equal(rule.kept(W, OWN), np.abs(W) > 1e-4)


@pytest.mark.parametrize(
    "rule", [shrinkage.Hard(), shrinkage.Guided(), shrinkage.Soft()]
)
def test_what_is_not_zero_is_kept(rule):
    np.testing.assert_array_equal(rule.kept(W, OWN), W != 0)


def test_a_threshold_of_0_changes_nothing():
    own = {"threshold": 0.0, "decay": 0.0}
    for rule in (shrinkage.Hard(), shrinkage.Guided(), shrinkage.Soft()):
        np.testing.assert_array_equal(rule(W, W, RATE, own), W)


def test_a_factor_below_2():
    with pytest.raises(ValueError, match="`factor` must be >= 2"):
        shrinkage.Guided(1.5)


def test_the_step_is_what_the_optimizer_did():
    signal = signals.Step()
    state = signal.observe(signal.build([W]), [None])
    assert state == {}
    (moved,) = signal(state, [tf.constant(W)], [tf.constant(W + 0.25)])
    np.testing.assert_allclose(moved, np.full(8, 0.25), 1e-6)


def test_the_gradient_is_that_of_the_last_batch():
    signal = signals.Gradient()
    state = signal.build([W, W[:2]])
    assert [x.shape for x in state.values()] == [(8,), (2,)]
    state = signal.observe(state, [tf.constant(2 * W), None])
    one, other = signal(state, [W, W[:2]], [W, W[:2]])
    np.testing.assert_array_equal(one, 2 * W)
    np.testing.assert_array_equal(other, [0, 0])
