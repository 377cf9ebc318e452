"""WinogradConv2D equals Conv2D where it should, and trains as a layer does."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfprune import layers
from tfprune.numerics import winograd

# Largest differences in float32, by the norm of the layer's input in one tile:
# the coefficients of 5x5 filters amplify rounding about 4 times as much.
TOLERANCE = {3: 5e-5, 5: 1e-4}


def conv(kernel_size=3, channels=3, filters=4, dtype="float32", **kwargs):
    layer = keras.layers.Conv2D(
        filters,
        kernel_size,
        bias_initializer="normal",
        dtype=dtype,
        **kwargs,
    )
    layer.build((None, None, None, channels))
    return layer


def images(*shape, dtype="float32"):
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


@pytest.mark.parametrize("kernel_size", [3, 5])
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("size", [(5, 5), (6, 13), (7, 8), (9, 28), (12, 5)])
def test_equals_conv2d_in_float64(kernel_size, padding, size):
    dense = conv(kernel_size, padding=padding, dtype="float64")
    own = layers.WinogradConv2D.from_conv2d(dense)
    x = images(2, *size, 3, dtype="float64")
    assert own.name == dense.name
    assert own.compute_output_shape(x.shape) == tuple(dense(x).shape)
    np.testing.assert_allclose(own(x), dense(x), rtol=0, atol=1e-10)


@pytest.mark.parametrize("kernel_size", [3, 5])
def test_equals_conv2d_in_float32(kernel_size):
    dense = conv(kernel_size, channels=64, filters=16, padding="same")
    own = layers.WinogradConv2D.from_conv2d(dense)
    x = images(2, 14, 14, 64)
    expected = dense(x)
    assert np.std(expected) > 0.5
    np.testing.assert_allclose(
        own(x), expected, rtol=0, atol=TOLERANCE[kernel_size]
    )


def test_half_precision_is_as_near_as_that_of_conv2d():
    keras.config.set_dtype_policy("mixed_float16")
    dense = conv(5, padding="same", dtype=None)
    own = layers.WinogradConv2D.from_conv2d(dense)
    x = images(1, 8, 8, 3)
    assert own(x).dtype == "float16"
    np.testing.assert_allclose(own(x), dense(x), rtol=5e-3, atol=5e-3)


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
@pytest.mark.parametrize("activation", [None, "relu", "elu"])
def test_groups_and_activations(groups, activation):
    arguments = {"groups": groups, "activation": activation}
    dense = conv(3, 6, 12, dtype="float64", **arguments)
    own = layers.WinogradConv2D.from_conv2d(dense)
    x = images(1, 9, 9, 6, dtype="float64")
    np.testing.assert_allclose(own(x), dense(x), rtol=0, atol=1e-10)


@pytest.mark.parametrize("kernel_size", [3, 5])
@pytest.mark.parametrize("size", [(0, 4), (1, 1), (1, 7), (2, 2), (4, 3)])
@pytest.mark.parametrize("batch", [0, 1])
def test_tiny_images(kernel_size, size, batch):
    """Smaller than a tile, than a filter, or nothing at all."""
    dense = conv(kernel_size, padding="same", dtype="float64")
    own = layers.WinogradConv2D.from_conv2d(dense)
    x = images(batch, *size, 3, dtype="float64")
    expected = np.zeros((batch, *size, 4))
    if expected.size:
        expected = dense(x)
    np.testing.assert_allclose(own(x), expected, rtol=0, atol=1e-10)


def test_images_smaller_than_a_filter_give_nothing():
    own = layers.WinogradConv2D(4, 5)
    assert own(images(2, 3, 9, 1)).shape == (2, 0, 5, 4)
    assert own.compute_output_shape((2, 3, 9, 1)) == (2, 0, 5, 4)


def test_no_channels_give_the_bias():
    own = layers.WinogradConv2D(2, 3, bias_initializer="ones")
    np.testing.assert_array_equal(
        own(images(1, 5, 6, 0)), np.ones((1, 3, 4, 2))
    )


def test_sizes_that_only_a_call_settles():
    own = layers.WinogradConv2D.from_conv2d(conv(padding="same"))
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, own(inputs))
    assert model.output_shape == (None, None, None, 4)
    run = tf.function(
        lambda x: model(x),
        input_signature=[tf.TensorSpec((None, None, None, 3))],
    )
    for size in (3, 10):
        x = images(2, size, size + 1, 3)
        np.testing.assert_allclose(run(x), own(x), atol=1e-6)


@pytest.mark.parametrize("kernel_size", [3, 5])
def test_gradients_are_those_of_conv2d(kernel_size):
    """Of the input and bias; of the kernel, seen through G g G^T."""
    dense = conv(
        kernel_size, padding="same", dtype="float64", activation="tanh"
    )
    own = layers.WinogradConv2D.from_conv2d(dense)
    x = tf.constant(images(2, 7, 6, 3, dtype="float64"))
    upstream = images(2, 7, 6, 4, dtype="float64")

    def gradients(layer):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(layer(x) * upstream)
        return tape.gradient(loss, [x, layer.kernel.value, layer.bias.value])

    (dx, du, db), (cx, cw, cb) = gradients(own), gradients(dense)
    np.testing.assert_allclose(dx, cx, atol=1e-10)
    np.testing.assert_allclose(db, cb, atol=1e-10)
    g = winograd.transform(kernel_size).weights
    dw = np.einsum("pi,pqcf,qj->ijcf", g, du / own.balance, g)
    np.testing.assert_allclose(dw, cw, atol=1e-9)


def test_gradients_by_differences():
    """Each entry by itself: together they need not belong to any filter."""
    own = layers.WinogradConv2D(2, 3, padding="same", dtype="float64")
    x = images(1, 5, 5, 2, dtype="float64")
    own.build(x.shape)
    kernel = np.random.default_rng(1).normal(size=own.kernel.shape)
    own.kernel.assign(kernel)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(own(x) ** 2)
    gradient = tape.gradient(loss, own.kernel.value).numpy()
    for at in [(0, 0, 0, 0), (1, 4, 1, 1), (5, 2, 0, 1), (3, 3, 1, 0)]:
        ends = []
        for change in (1e-4, -1e-4):
            moved = kernel.copy()
            moved[at] += change
            own.kernel.assign(moved)
            ends.append(float(tf.reduce_sum(own(x) ** 2)))
        slope = (ends[0] - ends[1]) / 2e-4
        assert gradient[at] == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("kernel_size", [3, 5])
def test_the_output_follows_the_kernel_as_it_follows_weights(kernel_size):
    """On independent pixels, all together; and no entry by far more.

    Each of r x r weights moves the 16 outputs of a tile by 1.
    """
    own = layers.WinogradConv2D(1, kernel_size, use_bias=False, dtype="float64")
    own.build((None, None, None, 1))
    size = own.kernel.shape[0]
    pixels = np.eye(size**2).reshape(-1, size, size, 1)
    effects = np.zeros((size, size))
    for at in np.ndindex(size, size):
        kernel = np.zeros(own.kernel.shape)
        kernel[at] = 1
        own.kernel.assign(kernel)
        effects[at] = np.linalg.norm(own(pixels))
    assert np.sum(effects**2) == pytest.approx(16 * kernel_size**2)
    assert effects.max() < 5 and effects.min() > 0.3


def test_coefficients_are_what_was_set():
    own = layers.WinogradConv2D(2, 3, dtype="float64")
    own.build((None, None, None, 3))
    u = np.random.default_rng(0).normal(size=own.kernel.shape)
    own.set_coefficients(u)
    np.testing.assert_allclose(own.coefficients(), u, rtol=1e-12)
    # ||A's row for 2|| is 85^0.5, ||B||^2 is 172, 4 r / M is 2.
    expected = 85 * 172 / 6 / 2 * u[3, 4]
    np.testing.assert_allclose(own.kernel[3, 4], expected, rtol=1e-12)


@pytest.mark.parametrize("kernel_size", [3, 5])
def test_there_and_back(kernel_size):
    dense = conv(kernel_size, groups=3, channels=6, filters=3, name="conv")
    dense.trainable = False
    own = layers.WinogradConv2D.from_conv2d(dense)
    back, error = own.to_conv2d()
    assert error < 1e-6 and back.name == "conv" and not back.trainable
    for one, other in zip(dense.weights, back.weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_the_error_of_the_way_back_is_reported():
    own = layers.WinogradConv2D.from_conv2d(conv())
    u = own.kernel.numpy()
    own.kernel.assign(u * (np.abs(u) > np.median(np.abs(u))))
    back, error = own.to_conv2d()
    nearest = np.array(winograd.coefficients(back.kernel.numpy(), 3))
    u = own.coefficients()
    expected = np.linalg.norm(nearest - u) / np.linalg.norm(u)
    assert error == pytest.approx(expected, rel=1e-3) and error > 1e-3
    own.set_coefficients(0 * u)
    assert own.to_conv2d().error == 0


def test_starts_as_the_image_of_a_filter():
    own = layers.WinogradConv2D(8, 5)
    own.build((None, 9, 9, 16))
    back, error = own.to_conv2d()
    assert error < 1e-5
    limit = np.sqrt(6 / (25 * 16 + 25 * 8))
    assert 0.9 * limit < np.abs(back.kernel).max() <= limit * 1.001


@pytest.mark.parametrize(
    "arguments, reason",
    [
        ({"strides": 2}, r"its strides are \(2, 2\), not 1"),
        ({"dilation_rate": 2}, r"its dilation_rate are \(2, 2\), not 1"),
        ({"kernel_size": 4}, r"its kernel_size is \(4, 4\), not 3x3 or 5x5"),
        ({"kernel_size": 7}, r"its kernel_size is \(7, 7\)"),
        ({"kernel_size": 1}, r"its kernel_size is \(1, 1\)"),
        ({"kernel_size": (3, 5)}, r"its kernel_size is \(3, 5\)"),
        ({"kernel_regularizer": "l2"}, "its kernel_regularizer is about"),
        ({"kernel_constraint": "non_neg"}, "its kernel_constraint is about"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, reason):
    dense = conv(**arguments)
    with pytest.raises(ValueError, match=f"{dense.name}.*{reason}"):
        layers.WinogradConv2D.from_conv2d(dense)


def test_other_layers_are_refused():
    refused = {
        "it is a Dense, not a Conv2D": keras.layers.Dense(3),
        "it is a DepthwiseConv2D": keras.layers.DepthwiseConv2D(3),
        "its data_format is 'channels_first'": keras.layers.Conv2D(
            3, 3, data_format="channels_first"
        ),
        "it is not built": keras.layers.Conv2D(3, 3),
    }
    for reason, layer in refused.items():
        assert layers.WinogradConv2D.unsupported_reason(layer).startswith(
            reason
        )


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"filters": 0}, "`filters` must be an integer from 1 on"),
        ({"kernel_size": 4}, "`kernel_size` must be 3 or 5"),
        ({"kernel_size": (3, 3)}, "`kernel_size` must be 3 or 5"),
        ({"padding": "causal"}, "`padding` must be 'valid' or 'same'"),
        ({"groups": 0}, "`groups` must be an integer from 1 on"),
        ({"groups": 3}, "`groups` must be a divisor of 4 channels and 6"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        arguments = {"filters": 6, "kernel_size": 3, **arguments}
        layers.WinogradConv2D(**arguments).build((None, 8, 8, 4))


def test_not_a_number_is_not_hidden():
    own = layers.WinogradConv2D.from_conv2d(conv())
    kernel = own.kernel.numpy()
    kernel[2, 3, 0, 1] = np.nan
    own.kernel.assign(kernel)
    y = np.array(own(images(1, 8, 8, 3)))
    assert np.isnan(y[..., 1]).all() and not np.isnan(y[..., 0]).any()
    assert np.isnan(own.to_conv2d().error)
