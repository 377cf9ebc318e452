"""Nets that are factorised, and what compares them."""

import keras
import numpy as np
from keras import layers


def one(layer, shape=(8, 9, 4)):
    return keras.Sequential([keras.Input(shape), layer])


def noise(model, examples=3):
    shape = (examples, *model.inputs[0].shape[1:])
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def compare(model, other, tolerance=1e-5):
    x = noise(model)
    np.testing.assert_allclose(other(x), model(x), atol=tolerance)


def low(rank=2, **arguments):
    """A convolution whose filters are of a low rank."""
    model = one(layers.Conv2D(16, 3, name="conv", **arguments))
    kernel = model.layers[0].kernel
    random = np.random.default_rng(0)
    rows = random.normal(size=(np.prod(kernel.shape[:3]), rank))
    kernel.assign((rows @ random.normal(size=(rank, 16))).reshape(kernel.shape))
    return model


def residual_net():
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(16, 3, padding="same", name="a")(inputs)
    shared = layers.Conv2D(16, 3, padding="same", name="shared")
    x = layers.Add(name="add")([shared(shared(x)), x])
    inner = keras.Sequential(
        [keras.Input((8, 8, 16)), layers.Conv2D(16, 3, name="b")],
        name="inner",
    )
    x = layers.GlobalAveragePooling2D()(inner(x))
    return keras.Model(inputs, layers.Dense(6, name="d")(x))
