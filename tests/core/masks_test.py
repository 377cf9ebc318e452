"""Masked weights: the values, the gradients, and what garbage can't do."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfprune.core import masks

NAN, INF = float("nan"), float("inf")

W = np.array([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]], "float32")
MASK = np.array([[True, False, True], [False, True, True]])
MASKED = [[1.0, 0.0, 3.0], [0.0, 5.0, -6.0]]
UPSTREAM = np.array([[10.0, 20.0, 30.0], [40.0, 50.0, 60.0]], "float32")

MODES = {
    "eager": lambda function: function,
    "graph": tf.function,
    "xla": lambda function: tf.function(function, jit_compile=True),
}
BOTH = pytest.mark.parametrize("mask", [masks.apply, masks.straight_through])
IN_ALL_MODES = pytest.mark.parametrize("mode", MODES)


def forward_and_gradient(mask, w, kept, upstream):
    w = tf.convert_to_tensor(w)
    with tf.GradientTape() as tape:
        tape.watch(w)
        masked = mask(w, kept)
    return masked, tape.gradient(masked, w, tf.convert_to_tensor(upstream))


@IN_ALL_MODES
def test_apply_masks_the_gradient_too(mode):
    run = MODES[mode](forward_and_gradient)
    masked, gradient = run(masks.apply, W, MASK, UPSTREAM)
    np.testing.assert_array_equal(masked, MASKED)
    expected = [[10.0, 0.0, 30.0], [0.0, 50.0, 60.0]]
    np.testing.assert_array_equal(gradient, expected)


@IN_ALL_MODES
def test_straight_through_leaves_the_gradient_dense(mode):
    run = MODES[mode](forward_and_gradient)
    masked, gradient = run(masks.straight_through, W, MASK, UPSTREAM)
    np.testing.assert_array_equal(masked, MASKED)
    np.testing.assert_array_equal(gradient, UPSTREAM)


@BOTH
def test_gradient_reaches_a_variable(mask):
    variable = tf.Variable(W)
    with tf.GradientTape() as tape:
        masked = mask(tf.convert_to_tensor(variable), MASK)
        loss = tf.reduce_sum(tf.square(masked))
    gradient = tape.gradient(loss, variable)
    np.testing.assert_array_equal(gradient, 2.0 * np.array(MASKED))


@BOTH
@pytest.mark.parametrize("garbage", [NAN, INF, -INF])
def test_pruned_garbage_gives_zero(mask, garbage):
    w = np.array([garbage, 2.0], "float32")
    kept = np.array([False, True])
    upstream = np.ones(2, "float32")
    masked, gradient = forward_and_gradient(mask, w, kept, upstream)
    np.testing.assert_array_equal(masked, [0.0, 2.0])
    assert np.isfinite(gradient).all()


def test_apply_stops_garbage_in_the_gradient():
    w, kept = np.ones(3, "float32"), np.array([False, True, False])
    upstream = np.array([NAN, 1.0, INF], "float32")
    _, gradient = forward_and_gradient(masks.apply, w, kept, upstream)
    np.testing.assert_array_equal(gradient, [0.0, 1.0, 0.0])


def test_kept_garbage_is_not_hidden():
    w = np.array([NAN, INF], "float32")
    masked = np.array(masks.apply(w, np.array([True, True])))
    np.testing.assert_array_equal(masked, w)


@BOTH
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float64"])
def test_dtype_stays(mask, dtype):
    w, upstream = tf.cast(W, dtype), tf.cast(UPSTREAM, dtype)
    masked, gradient = forward_and_gradient(mask, w, MASK, upstream)
    assert masked.dtype == gradient.dtype == tf.as_dtype(dtype)
    np.testing.assert_array_equal(tf.cast(masked, "float32"), MASKED)


@BOTH
@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (1, 1, 1, 1, 2)])
def test_any_shape(mask, shape):
    w, kept = np.ones(shape, "float32"), np.zeros(shape, bool)
    np.testing.assert_array_equal(mask(w, kept), np.zeros(shape))


@BOTH
def test_all_kept_and_none_kept(mask):
    every = np.ones(W.shape, bool)
    np.testing.assert_array_equal(mask(W, every), W)
    np.testing.assert_array_equal(mask(W, ~every), np.zeros(W.shape))


def test_select_is_the_value_of_both():
    np.testing.assert_array_equal(masks.select(W, MASK), MASKED)


@pytest.mark.parametrize(
    "mask, expected",
    [
        ([True, True], 0.0),
        ([False, False], 1.0),
        ([[True, False], [False, False]], 0.75),
        (True, 0.0),
        (np.zeros((0, 3), bool), 0.0),
    ],
)
def test_sparsity(mask, expected):
    assert float(masks.sparsity(np.array(mask))) == expected


def test_sparsity_of_a_variable():
    variable = keras.Variable(MASK, dtype="bool")
    assert float(masks.sparsity(variable)) == pytest.approx(1 / 3)
