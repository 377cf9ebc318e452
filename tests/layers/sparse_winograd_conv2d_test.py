import keras
import numpy as np
import pytest
import tensorflow as tf

import tfprune
from tfprune import layers


def winograd(kernel_size=3, channels=4, filters=6, **kwargs):
    """Returns a layer with half of its coefficients zero."""
    kwargs.setdefault("padding", "same")
    layer = layers.WinogradConv2D(
        filters, kernel_size, bias_initializer="normal", **kwargs
    )
    layer.build((None, None, None, channels))
    keep = np.random.default_rng(0).random(layer.kernel.shape) < 0.5
    layer.kernel.assign(layer.kernel * keep)
    return layer


def images(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"kernel_size": 5, "activation": "relu"},
        {"groups": 2, "activation": "tanh"},
        {"padding": "valid", "use_bias": False},
    ],
)
def test_computes_what_the_layer_does(arguments):
    layer = winograd(**arguments)
    own = layers.SparseWinogradConv2D.from_dense(layer)
    x = images(2, 9, 7, 4)
    assert own.name == layer.name
    assert own.nonzeros == np.count_nonzero(layer.kernel)
    assert own.compute_output_shape(x.shape) == tuple(own(x).shape)
    np.testing.assert_allclose(own(x), layer(x), rtol=0, atol=2e-4)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_short_values(dtype):
    layer = winograd()
    own = layers.SparseWinogradConv2D.from_dense(layer, dtype)
    assert own.values.dtype == dtype
    short = keras.ops.cast(layer.coefficients(), dtype)
    layer.set_coefficients(keras.ops.cast(short, "float32"))
    x = images(2, 9, 7, 4)
    np.testing.assert_allclose(own(x), layer(x), rtol=0, atol=2e-4)


def small_model():
    return keras.Sequential(
        [
            keras.Input((8, 8, 4)),
            layers.SparseWinogradConv2D.from_dense(winograd()),
            keras.layers.Flatten(),
            keras.layers.Dense(3),
        ]
    )


def test_saves_and_loads(tmp_path):
    model = small_model()
    x = images(3, 8, 8, 4)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(x), model(x))


def test_exports(tmp_path):
    model = small_model()
    x = images(3, 8, 8, 4)
    tfprune.export(model, tmp_path / "served")
    serve = tf.saved_model.load(tmp_path / "served")
    serve = serve.signatures["serving_default"]
    name = list(serve.structured_input_signature[1])[0]
    (y,) = serve(**{name: tf.constant(x)}).values()
    np.testing.assert_allclose(y, model(x), atol=1e-5)


def test_trains():
    model = small_model()
    model.compile(keras.optimizers.Adam(1e-5), "mse", jit_compile="auto")
    x = images(32, 8, 8, 4)
    y = np.ones((32, 3), "float32")
    losses = model.fit(x, y, 8, epochs=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"kernel_size": 7}, "`kernel_size` must be 3 or 5"),
        ({"nonzeros": -1}, "`nonzeros` must be an integer from 0 on"),
        ({"padding": "full"}, "`padding` must be 'valid' or 'same'"),
        ({"groups": 3}, "`groups` must be a divisor of 4 channels and 6"),
    ],
)
def test_bad_arguments(arguments, message):
    arguments = {"filters": 6, "kernel_size": 3, "nonzeros": 5, **arguments}
    with pytest.raises(ValueError, match=message):
        layers.SparseWinogradConv2D(**arguments).build((None, 8, 8, 4))
