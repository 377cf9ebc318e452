"""A convolution over some columns beside Keras' own over all of them."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tfprune

SHAPE = (2, 9, 7, 3)


def conv(columns, size=(3, 2), channels=3, **arguments):
    """Returns a dense layer in which all other columns are zero."""
    layer = layers.Conv2D(4, size, bias_initializer="normal", **arguments)
    layer.build((None, 9, 7, channels))
    rows = np.random.default_rng(0).normal(size=(*layer.kernel.shape,))
    rows = rows.reshape(-1, 4)
    kept = np.isin(np.arange(len(rows)), columns)
    rows[~kept] = 0
    layer.kernel.assign(rows.reshape(layer.kernel.shape))
    return layer


def inputs(shape=SHAPE):
    return np.random.default_rng(1).normal(size=shape).astype("float32")


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    "geometry",
    [
        {},
        {"size": 1},
        {"strides": 2},
        {"strides": (3, 1)},
        {"dilation_rate": 2},
        {"size": (2, 5), "strides": (2, 3)},
        {"size": 4, "dilation_rate": (1, 2)},
        {"activation": "relu"},
        {"use_bias": False},
    ],
    ids=str,
)
def test_equals_the_dense_one(geometry, padding):
    columns = [0, 2] if geometry.get("size") == 1 else [1, 3, 4, 5, 8, 16]
    dense = conv(columns, padding=padding, **geometry)
    own = tfprune.layers.FilterShapeConv2D.from_dense(dense)
    assert own.columns == columns
    assert own.kernel.shape == (len(columns), 4)
    outputs = own(inputs())
    np.testing.assert_allclose(outputs, dense(inputs()), 1e-5, 1e-5)
    assert own.compute_output_shape(SHAPE) == outputs.shape


def test_sizes_that_only_a_call_settles():
    dense = conv([0, 7], padding="same")
    own = tfprune.layers.FilterShapeConv2D.from_dense(dense)
    x = keras.Input((None, None, 3))
    model = keras.Model(x, own(x))
    for size in (2, 5, 9):
        x = inputs((2, size, size, 3))
        np.testing.assert_allclose(model(x), dense(x), 1e-5, 1e-5)
    strided = tfprune.layers.FilterShapeConv2D.from_dense(
        conv([0, 7], padding="same", strides=2)
    )
    sizes = [tf.TensorSpec((None, None, None, 3), tf.float32)]
    with pytest.raises(ValueError, match="must have known height and width"):
        tf.function(strided, input_signature=sizes)(inputs())


def test_graph_xla_and_gradients_agree():
    dense = conv([1, 3, 4, 5, 8, 16], padding="same")
    own = tfprune.layers.FilterShapeConv2D.from_dense(dense)
    jit = tf.function(own, jit_compile=True)
    np.testing.assert_allclose(jit(inputs()), dense(inputs()), 1e-5, 1e-5)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(own(inputs()) ** 2)
    found = tape.gradient(loss, own.kernel.value)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(dense(inputs()) ** 2)
    rows = tf.reshape(tape.gradient(loss, dense.kernel.value), (-1, 4))
    expected = rows.numpy()[own.columns]
    np.testing.assert_allclose(found, expected, 1e-4, 1e-3)


def test_it_is_saved_and_exported(tmp_path):
    own = tfprune.layers.FilterShapeConv2D.from_dense(conv([1, 5], strides=2))
    model = keras.Sequential([keras.Input(SHAPE[1:]), own])
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(inputs()), model(inputs()))
    tfprune.export(model, str(tmp_path / "served"), format="saved_model")
    served = tf.saved_model.load(str(tmp_path / "served"))
    (outputs,) = served.signatures["serving_default"](
        tf.constant(inputs())
    ).values()
    np.testing.assert_allclose(outputs, model(inputs()), 1e-6, 1e-6)


@pytest.mark.parametrize("columns", [[], [2, 1], [1, 1], [-1], [0, 18]])
def test_wrong_columns(columns):
    with pytest.raises(ValueError, match="`columns` must be"):
        tfprune.layers.FilterShapeConv2D(4, (3, 2), columns).build(
            (None, 9, 7, 3)
        )


def test_layers_that_it_cannot_stand_for():
    with pytest.raises(ValueError, match="`groups` must be 1"):
        tfprune.layers.FilterShapeConv2D.from_dense(
            conv([0], groups=2, channels=4)
        )
