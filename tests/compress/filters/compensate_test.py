"""Compensation: exact where what goes can be told from what stays."""

import keras
import numpy as np
import pytest
from keras import layers

from tfprune.compress.filters import remove
from tfprune.compress.filters import zero

RANDOM = np.random.default_rng(0)


def doubled(layer):
    """Makes the second half of all filters small copies of the first."""
    for variable in layer.weights:
        half = variable.shape[-1] // 2
        value = np.array(variable)
        value[..., half:] = 0.1 * value[..., :half]
        variable.assign(value)


def dense():
    x = keras.Input((6,))
    y = layers.Dense(8, bias_initializer="normal", name="makes")(x)
    y = layers.Dense(7, "relu", name="reads")(y)
    return keras.Model(x, layers.Dense(3)(y)), ("makes",), (50, 6)


def convolutions(padding="same", **kwargs):
    x = keras.Input((9, 9, 3))
    y = layers.Conv2D(8, 3, name="makes")(x)
    y = layers.Conv2D(5, 3, padding=padding, name="reads", **kwargs)(y)
    y = layers.ReLU()(layers.BatchNormalization()(y))
    y = layers.GlobalAveragePooling2D()(y)
    return keras.Model(x, layers.Dense(3)(y)), ("makes",), (20, 9, 9, 3)


def sequences():
    x = keras.Input((9, 3))
    y = layers.Conv1D(8, 2, padding="causal", name="makes")(x)
    y = layers.Conv1D(5, 3, dilation_rate=2, name="reads")(y)
    return keras.Model(x, layers.Flatten()(y)), ("makes",), (50, 9, 3)


def flattened():
    x = keras.Input((5, 5, 2))
    y = layers.Flatten()(layers.Conv2D(4, 2, name="makes")(x))
    return keras.Model(x, layers.Dense(3)(y)), ("makes",), (400, 5, 5, 2)


def in_a_row():
    """What is fitted first is not what it was when the second is."""
    x = keras.Input((6,))
    y = layers.Dense(8, name="makes")(x)
    y = layers.Dense(8, name="also_makes")(y)
    return (
        keras.Model(x, layers.Dense(3)(y)),
        ("makes", "also_makes"),
        (80, 6),
    )


NETS = {
    "dense": dense,
    "convolutions": convolutions,
    "without a bias": lambda: convolutions("valid", use_bias=False, strides=2),
    "sequences": sequences,
    "flattened": flattened,
    "in a row": in_a_row,
}


@pytest.mark.parametrize("name", NETS)
def test_copies_go_without_a_trace(name):
    model, makers, shape = NETS[name]()
    for maker in makers:
        doubled(model.get_layer(maker))
    x = RANDOM.normal(size=shape).astype("float32")
    share = dict.fromkeys(makers, 0.5)
    plain = zero.zero_filters(model, share)
    fitted = zero.zero_filters(model, share, compensate=x)
    error = np.abs(fitted(x) - model(x)).max()
    assert error < 0.01 * np.abs(plain(x) - model(x)).max()
    small = remove.remove_filters(fitted).model
    assert small.get_layer(makers[0]).output.shape[-1] < shape[-1] * 3
    np.testing.assert_allclose(small(x), fitted(x), rtol=1e-3, atol=1e-4)


def test_what_is_random_is_fitted_as_well_as_can_be():
    model, makers, shape = dense()
    x = RANDOM.normal(size=shape).astype("float32")
    plain, fitted = (
        zero.zero_filters(model, {"makes": 0.25}, compensate=data)
        for data in (None, x)
    )
    errors = [np.square(net(x) - model(x)).mean() for net in (plain, fitted)]
    assert errors[1] < 0.5 * errors[0]


def test_the_model_itself_stays_as_it_is():
    model, makers, shape = convolutions()
    before = model.get_weights()
    x = RANDOM.normal(size=shape).astype("float32")
    zero.zero_filters(model, 0.5, compensate=x)
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_heads_are_fitted():
    """Two of four heads are told from the others."""
    x = keras.Input((5, 6))
    attention = layers.MultiHeadAttention(4, 3, name="makes")
    model = keras.Model(x, layers.Dense(2)(attention(x, x)))
    for part in ("query", "key", "value"):
        kernel = getattr(attention, f"_{part}_dense").kernel
        value = np.array(kernel)
        value[:, 2:] = value[:, :2]
        kernel.assign(value)
    data = RANDOM.normal(size=(60, 5, 6)).astype("float32")
    share = {"makes": 0.5}
    plain = zero.zero_filters(model, share)
    fitted = zero.zero_filters(model, share, compensate=data)
    errors = [np.abs(net(data) - model(data)).mean() for net in (plain, fitted)]
    assert errors[1] < 0.8 * errors[0]
    small = remove.remove_filters(fitted).model
    np.testing.assert_allclose(small(data), fitted(data), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    "data", [np.zeros((0, 6)), np.zeros((5, 7)), [np.zeros((5, 6))] * 2]
)
def test_examples_must_be_those_of_the_model(data):
    model, *_ = dense()
    with pytest.raises(ValueError, match="`compensate` must be examples"):
        zero.zero_filters(model, 0.5, compensate=data)


def test_layers_that_are_called_twice_stay_as_they_are():
    x = keras.Input((6,))
    shared = layers.Dense(4, name="shared")
    makes = layers.Dense(8, "relu", name="makes")
    y = layers.Add()([shared(makes(x)), shared(makes(-1.0 * x))])
    model = keras.Model(x, y)
    data = RANDOM.normal(size=(50, 6)).astype("float32")
    fitted = zero.zero_filters(model, {"makes": 0.5}, compensate=data)
    for one, other in zip(
        fitted.get_layer("shared").weights, shared.weights, strict=True
    ):
        np.testing.assert_array_equal(one, other)
