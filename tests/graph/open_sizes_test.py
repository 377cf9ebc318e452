"""Composite layers that ask for open sizes, and make tensors of them."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras import ops

from tfprune.graph import opening


class Causal(layers.Layer):
    """Sums of earlier positions, by a mask that its length makes."""

    def build(self, shape):
        self.dense = layers.Dense(shape[-1])
        self.dense.build(shape)
        self.built = True

    def call(self, x):
        batch, length, _ = ops.shape(x)
        places = ops.arange(length)
        mask = ops.expand_dims(places, 1) >= ops.expand_dims(places, 0)
        mask = ops.broadcast_to(mask, (batch, length, length))
        return ops.matmul(ops.cast(mask, x.dtype), self.dense(x))


class Heads(layers.Layer):
    def build(self, shape):
        self.dense = layers.Dense(shape[-1])
        self.dense.build(shape)
        self.built = True

    def call(self, x):
        batch, length, size = ops.shape(x)
        y = ops.reshape(self.dense(x), (batch, length, 2, size // 2))
        y = ops.transpose(y, (0, 2, 1, 3))
        y = y - ops.max(y, axis=2, keepdims=True)
        y = ops.transpose(y, (0, 2, 1, 3))
        return ops.reshape(y, (batch, length, size))


class Tokens(layers.Layer):
    """A class token before all others, and a table of their places."""

    def build(self, shape):
        size = shape[-1]
        self.token = self.add_weight(shape=(1, 1, size), name="token")
        self.table = layers.Embedding(5, size)
        self.table.build((1, 5))
        self.places = ops.expand_dims(ops.arange(5), 0)
        self.built = True

    def call(self, x):
        token = ops.tile(self.token, (ops.shape(x)[0], 1, 1))
        return ops.concatenate([token, x], axis=1) + self.table(self.places)


class OfNothing(layers.Layer):
    """What is inside of it gives None beside a tensor, if asked for no more."""

    class Inner(layers.Layer):
        def build(self, shape):
            self.dense = layers.Dense(shape[-1])
            self.dense.build(shape)
            self.built = True

        def call(self, x, cache=None):
            return self.dense(x), cache

        def compute_output_spec(self, x):
            return x, None

    def build(self, shape):
        self.inner = self.Inner()
        self.inner.build(shape)
        self.built = True

    def call(self, x):
        y, _ = self.inner(x, cache=None)
        return x + y


class Forgetful(layers.Layer):
    """Its config does not tell all that its constructor takes."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, shape):
        self.dense = layers.Dense(self.units)
        self.dense.build(shape)
        self.built = True

    def call(self, x):
        return self.dense(x)

    def get_config(self):
        return {**super().get_config(), "unknown": self.never_set}


def model_of(layer, shape):
    x = keras.Input(shape)
    y = layer(x)
    return keras.Model(x, layers.Dense(2)(y))


@pytest.mark.parametrize(
    "layer, shape, sizes",
    [
        (Causal, (None, 4), [(2, 5, 4), (3, 1, 4), (0, 5, 4)]),
        (Heads, (None, 4), [(2, 5, 4), (1, 7, 4)]),
        (Tokens, (4, 6), [(2, 4, 6), (3, 4, 6)]),
        (OfNothing, (5,), [(2, 5)]),
        (lambda: Forgetful(3), (5,), [(2, 5)]),
    ],
    ids=["causal", "heads", "tokens", "nothing", "forgetful"],
)
def test_composite_layers_are_opened(layer, shape, sizes):
    model = model_of(layer(), shape)
    inside = [len(x._inbound_nodes) for x in model.layers[1]._flatten_layers()]
    before = ops.shape, ops.arange
    opened = opening.open_composites(model)
    assert opened.names == [model.layers[1].name]
    assert (ops.shape, ops.arange) == before
    after = [len(x._inbound_nodes) for x in model.layers[1]._flatten_layers()]
    assert after == inside
    random = np.random.default_rng(0)
    for size in sizes:
        x = random.normal(size=size).astype("float32")
        np.testing.assert_allclose(opened.model(x), model(x), atol=1e-5)


def test_weights_of_the_clone_are_those_of_the_model():
    model = model_of(Tokens(), (4, 6))
    opened = opening.open_composites(model)
    originals = {id(opened.original(x)) for x in opened.model.variables}
    assert originals == {id(x) for x in model.variables}
    for variable in opened.model.variables:
        original = opened.original(variable)
        np.testing.assert_array_equal(
            np.ravel(variable.numpy()), np.ravel(original.numpy())
        )


class Scaled(layers.Layer):
    """Without weights, and with a config that is not its own."""

    def __init__(self, function, **kwargs):
        super().__init__(**kwargs)
        self.function = function

    def call(self, x):
        return self.function(x)


@pytest.mark.parametrize(
    "function, count",
    [(lambda x: 2.0 * x, 0), (lambda x: 2.0 * tf.identity(x), 1)],
    ids=["of Keras", "of TensorFlow"],
)
def test_layers_without_weights_are_what_they_call(function, count):
    x = keras.Input((5,))
    y = Causal()(keras.layers.Reshape((1, 5))(x))
    model = keras.Model(x, layers.Dense(2)(Scaled(function)(y)))
    opened = opening.open_composites(model)
    left = [x for x in opened.model.layers if isinstance(x, Scaled)]
    assert len(left) == count and len(opened.names) == 1
    data = np.ones((3, 5), "float32")
    np.testing.assert_allclose(opened.model(data), model(data), atol=1e-5)
