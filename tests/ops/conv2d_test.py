import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.ops import problems
from tfprune import ops
from tfprune.ops import activations
from tfprune.ops.conv2d import Geometry
from tfprune.ops.conv2d import Pooling
from tfprune.ops.conv2d import convolve as dense_conv2d
from tfprune.ops.conv2d import reference as conv_reference


def images(*shape):
    return np.random.default_rng(1).normal(size=shape).astype("float32")


def filters(geometry, channels, count, sparsity):
    """Returns filters as `Csr` and as a Keras kernel."""
    shape = (*geometry.kernel_size, channels // geometry.groups, count)
    dense = problems.sparse(count, int(np.prod(shape[:3])), sparsity)
    return ops.Csr.from_dense(dense), dense.T.reshape(shape)


def check(shape, count, geometry, sparsity=0.5):
    """Compares with TensorFlow's convolution of dense filters."""
    weights, kernel = filters(geometry, shape[3], count, sparsity)
    x = images(*shape)
    got = ops.sparse_conv2d(x, weights, geometry)
    expected = dense_conv2d(tf.constant(x), kernel, geometry)
    assert got.shape == expected.shape
    bound = 1e-5 * np.sqrt(weights.columns + 1)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=bound)


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", [(1, 1), (3, 3), (2, 5), (1, 4)])
def test_geometries(kernel, stride, dilation, padding):
    geometry = Geometry(kernel, (stride,) * 2, padding, (dilation,) * 2)
    check((2, 11, 16, 3), 5, geometry)


@pytest.mark.parametrize("sparsity", [0, 0.5, 0.9, 1])
@pytest.mark.parametrize("width", [1, 7, 8, 13, 14, 15, 111, 112, 113])
def test_widths_around_a_tile(width, sparsity):
    check((1, 3, width, 4), 9, Geometry((3, 3), padding="SAME"), sparsity)


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
@pytest.mark.parametrize("multiplier", [1, 2, 11])
def test_groups(groups, multiplier):
    geometry = Geometry((3, 3), (2, 1), "SAME", groups=groups)
    check((2, 7, 6, 6), 6 * multiplier, geometry)


@pytest.mark.parametrize("stride,dilation", [(1, 1), (3, 1), (1, 2)])
def test_one_dimension_is_a_height_of_1(stride, dilation):
    geometry = Geometry((1, 5), (1, stride), "SAME", (1, dilation))
    weights, kernel = filters(geometry, 6, 7, 0.5)
    x = images(3, 1, 29, 6)
    expected = keras.ops.conv(
        x[:, 0], kernel[0], stride, "same", dilation_rate=dilation
    )
    got = ops.sparse_conv2d(x, weights, geometry)[:, 0]
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("zero", range(4))
def test_empty(zero):
    sizes = [2, 5, 3, 4]
    sizes[zero] = 0
    batch, height, channels, count = sizes
    check((batch, height, 6, channels), count, Geometry((3, 3), padding="SAME"))
    geometry = Geometry((3, 3))
    check((batch, height, 6, channels), count, geometry)
    weights, _ = filters(geometry, channels, count, 0)
    got = ops.sparse_conv2d(
        images(batch, height, 6, channels), weights, geometry
    )
    np.testing.assert_array_equal(
        got, np.zeros((batch, max(height - 2, 0), 4, count))
    )


@pytest.mark.parametrize("padding", [((0, 1), (2, 0)), ((2, 2), (1, 2))])
def test_explicit_padding(padding):
    check((2, 6, 7, 3), 4, Geometry((3, 3), (2, 2), padding))


@pytest.mark.parametrize("dilations", [(1, 1), (2, 2), (1, 3)])
def test_the_reference_is_keras_own_convolution(dilations):
    geometry = Geometry((3, 2), (1, 1), "SAME", dilations)
    _, kernel = filters(geometry, 3, 4, 0)
    x = images(2, 9, 8, 3)
    expected = keras.ops.conv(
        x, kernel, padding="same", dilation_rate=dilations
    )
    got = dense_conv2d(tf.constant(x), kernel, geometry)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "activation,pooling",
    itertools.product(
        list(activations.FUSED),
        [None, Pooling((3, 2), (2, 2)), Pooling((2, 2), (1, 2), "SAME")],
    ),
)
def test_what_is_fused(activation, pooling):
    geometry = Geometry((3, 3), padding="SAME")
    weights, _ = filters(geometry, 4, 9, 0.3)
    x, bias = images(3, 9, 8, 4), tf.constant(images(9))
    residual = tf.zeros([0])
    if pooling is None:
        residual = tf.constant(images(3, 9, 8, 9))
    got = ops.sparse_conv2d(
        x,
        weights,
        geometry,
        bias,
        residual if pooling is None else None,
        activation,
        pooling,
    )
    reference = conv_reference(
        tf.constant(x), weights, geometry, bias, residual, activation, pooling
    )
    assert got.shape == reference.shape
    np.testing.assert_allclose(got, reference, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("pooling", [None, Pooling((2, 2), (2, 2))])
@pytest.mark.parametrize("padding", ["SAME", ((1, 0), (0, 1))])
def test_gradients(padding, pooling):
    geometry = Geometry((2, 2), (1, 2), padding, groups=2)
    weights, _ = filters(geometry, 4, 6, 0.5)
    x, bias = tf.constant(images(2, 5, 6, 4)), tf.constant(images(6))

    def convolve(x, values, bias):
        own = weights._replace(values=values, stamp=0)
        return ops.sparse_conv2d(x, own, geometry, bias, pooling=pooling)

    exact, measured = tf.test.compute_gradient(
        convolve, [x, tf.constant(weights.values), bias], delta=1e-3
    )
    for a, b in zip(exact, measured, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-2)


@pytest.mark.parametrize("batch", [1, 700])  # 700: past the caches
def test_residuals_that_others_need_stay(batch):
    """Sums may take a residual's memory, if nobody else wants it."""
    geometry = Geometry((1, 1))
    weights, kernel = filters(geometry, 16, 16, 0.5)
    x = tf.constant(images(batch, 28, 28, 16))

    @tf.function
    def run(x):
        only_here, twice = 2 * x, 3 * x
        return [
            ops.sparse_conv2d(x, weights, geometry, residual=only_here),
            ops.sparse_conv2d(x, weights, geometry, residual=twice) + twice,
            ops.sparse_conv2d(twice, weights, geometry, residual=twice),
            ops.sparse_conv2d(x, weights, geometry, residual=x),
        ]

    y = dense_conv2d(x, kernel, geometry)
    expected = [y + 2 * x, y + 6 * x, 3 * y + 3 * x, y + x]
    for _ in range(2):
        for got, want in zip(run(x), expected, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-4)


def test_gradient_of_the_residual():
    geometry = Geometry((1, 1))
    weights, _ = filters(geometry, 2, 3, 0)
    residual = tf.constant(images(1, 2, 2, 3))
    with tf.GradientTape() as tape:
        tape.watch(residual)
        y = ops.sparse_conv2d(
            images(1, 2, 2, 2), weights, geometry, residual=residual
        )
    np.testing.assert_array_equal(tape.gradient(y, residual), np.ones(y.shape))


def test_heights_may_be_unknown_while_tracing():
    geometry = Geometry((3, 3), (2, 2), "SAME")
    weights, _ = filters(geometry, 2, 3, 0)

    @tf.function
    def run(x):
        y = ops.sparse_conv2d(x, weights, geometry)
        assert y.shape.as_list() == [None, None, 4, 3]
        return y

    spec = tf.TensorSpec([None, None, 7, 2])
    run.get_concrete_function(spec)
    assert run(images(1, 5, 7, 2)).shape == (1, 3, 4, 3)


def test_bad_arguments():
    geometry = Geometry((3, 3))
    weights, _ = filters(geometry, 2, 3, 0)
    x = images(1, 5, 5, 2)
    with pytest.raises(ValueError, match="`padding` must be one of: SAME"):
        ops.sparse_conv2d(x, weights, geometry._replace(padding="same"))
    with pytest.raises(ValueError, match="`residual` must be None where"):
        ops.sparse_conv2d(
            x,
            weights,
            geometry,
            residual=images(1, 3, 3, 3),
            pooling=Pooling((2, 2), (2, 2)),
        )
