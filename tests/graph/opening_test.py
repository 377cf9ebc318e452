"""Layers of a user's own are opened where Keras can follow what they call."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tfprune
from tfprune import methods
from tfprune.graph import opening


class Gate(layers.Layer):
    """Multiplies channels by what a convolution makes of their means."""

    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.conv = layers.Conv2D(filters, 1, activation="sigmoid", name="g")

    def build(self, shape):
        self.conv.build((shape[0], 1, 1, shape[-1]))

    def call(self, x):
        return x * self.conv(keras.ops.mean(x, axis=(1, 2), keepdims=True))

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}


class Block(Gate):
    """Two convolutions, a normalization and a gate, with a shortcut."""

    def __init__(self, filters, raw=False, **kwargs):
        super().__init__(filters, **kwargs)
        self.raw = raw
        self.conv = layers.Conv2D(filters, 3, padding="same", name="c1")
        self.norm = layers.BatchNormalization(name="n")
        self.gate = Gate(filters, name="gate")
        self.last = layers.Conv2D(filters, 1, name="c2")

    def build(self, shape):
        inner = (*shape[:-1], self.filters)
        self.conv.build(shape)
        for layer in (self.norm, self.gate, self.last):
            layer.build(inner)

    def call(self, x, more=None):
        y = self.gate(self.norm(self.conv(x)))
        y = self.last(tf.nn.relu(y) if self.raw else keras.ops.relu(y))
        return x + y if more is None else x + y + more

    def get_config(self):
        return {**super().get_config(), "raw": self.raw}


def net(*blocks, call=lambda block, x: block(x)):
    inputs = x = keras.Input((8, 8, 3))
    x = layers.Conv2D(6, 3, name="stem")(x)
    for block in blocks:
        x = call(block, x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(2, name="head")(x))


def data():
    return np.random.default_rng(0).normal(size=(4, 8, 8, 3)).astype("float32")


def test_the_same_is_computed_also_in_training():
    model = net(Block(6, name="a"), Block(6, name="b"))
    found = opening.open_composites(model)
    opened, names = found.model, found.names
    assert names == ["a", "gate", "b", "gate"]
    for training in (False, True):
        np.testing.assert_array_equal(
            opened(data(), training=training), model(data(), training=training)
        )
    for one, other in zip(opened.weights, model.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_layer_called_twice_stays_one():
    block = Block(6, name="a")
    model = net(block, block)
    found = opening.open_composites(model)
    opened, names = found.model, found.names
    assert names == ["a", "gate"]
    assert opened.count_params() == model.count_params()
    np.testing.assert_array_equal(opened(data()), model(data()))


@pytest.mark.parametrize(
    "call",
    [
        lambda block, x: block(x, more=keras.ops.relu(x)),
        lambda block, x: block(x, keras.ops.relu(x)),
        lambda block, x: block(more=keras.ops.relu(x), x=x),
    ],
    ids=["keyword", "two tensors", "keywords"],
)
def test_calls_on_several_tensors(call):
    model = net(Block(6, name="a"), Block(6, name="b"), call=call)
    found = opening.open_composites(model)
    assert found.names == ["a", "gate", "b", "gate"]
    np.testing.assert_array_equal(found.model(data()), model(data()))


def test_what_can_not_be_followed_stays():
    model = net(Block(6, raw=True))
    found = opening.open_composites(model)
    opened, names = found.model, found.names
    assert opened is model and not names


def test_what_is_to_be_kept_stays():
    model = net(Block(6, name="a"), Block(6, name="b"))
    found = opening.open_composites(model, lambda layer: layer.name == "a")
    assert found.names == ["b", "gate"]


def test_a_layer_that_is_called_in_different_ways_stays():
    block, inputs = Block(6, name="a"), keras.Input((8, 8, 6))
    outputs = block(block(inputs), more=inputs)
    found = opening.open_composites(keras.Model(inputs, outputs))
    assert not found.names


def test_a_layer_called_on_two_shapes_stays():
    block, inputs = Block(6, name="a"), keras.Input((8, 8, 6))
    outputs = block(layers.MaxPooling2D()(block(inputs)))
    found = opening.open_composites(keras.Model(inputs, outputs))
    opened, names = found.model, found.names
    assert not names and opened.count_params() == block.count_params()


def test_a_frozen_layer_stays_frozen():
    block = Block(6, name="a")
    model = net(block)
    block.trainable = False
    opened = opening.open_composites(model).model
    assert len(opened.trainable_weights) == len(model.trainable_weights) == 4


def test_the_log_says_why_a_layer_is_not_opened(caplog):
    with caplog.at_level("INFO", "tfprune"):
        opening.open_composites(net(Block(6, raw=True, name="a")))
    assert "layer 'a' is not opened: " in caplog.text


def test_filters_inside_are_pruned_and_removed():
    model = net(Block(6, name="a"), Block(6, name="b"))
    method = methods.FilterRanking(stages=1, settings={"head": None})
    before = model.count_params()
    pruned = tfprune.prune(model, method)
    pruned.compile(tfprune.PruningOptimizer("sgd"), loss="mse")
    pruned.fit(data(), np.zeros((4, 2)), epochs=2, verbose=0)
    stripped = tfprune.strip(pruned)
    found = tfprune.remove_filters(stripped)
    assert "Functional models: a, gate, b, gate" in str(found)
    small = found.model
    assert small.count_params() < 0.8 * before
    np.testing.assert_allclose(small(data()), stripped(data()), atol=1e-5)
