"""Leaves: which layers are pruned and reported, and what they are called."""

import keras
import numpy as np
from keras import layers

import tfprune
from tfprune.graph import leaves


class Block(layers.Layer):
    """As KerasHub's: attention, and layers that are made in `build`."""

    def build(self, shape):
        self.attention = layers.MultiHeadAttention(2, 4, name="attention")
        self.attention.build(shape, shape)
        self.norm = layers.LayerNormalization(name="norm")
        self.norm.build(shape)
        self.hidden = layers.Dense(8, name="hidden")
        self.hidden.build(shape)

    def call(self, x):
        return self.hidden(self.norm(x + self.attention(x, x)))


class Mine(keras.Model):
    """A subclassed model with weights of its own and two equal names."""

    def __init__(self):
        super().__init__(name="mine")
        self.blocks = [Block(name="one"), Block(name="two")]
        self.heads = [layers.Dense(3, name="head") for _ in range(2)]

    def build(self, shape):
        self.scale = self.add_weight(shape=(8,), name="scale")

    def call(self, x):
        for block in self.blocks:
            x = block(x * self.scale)
        return [head(x) for head in self.heads]


def mine():
    model = Mine()
    model(np.zeros((1, 5, 8)))
    return model


def tower(name):
    return keras.Sequential(
        [keras.Input((8,)), layers.Dense(8, name="h")], name=name
    )


def names(model):
    return list(leaves.addresses(model))


def test_a_subclassed_model_is_opened_and_so_are_blocks_but_no_layer_of_keras():
    assert names(mine()) == [
        "mine",
        *("one/attention", "one/norm", "one/hidden"),
        *("two/attention", "two/norm", "two/hidden"),
        *("head", "head_1"),
    ]
    first, attention, *_ = leaves.leaves(mine())
    assert [w.name for w in first.weights] == ["scale"]
    assert len(attention.weights) == 8


def test_layers_of_keras_that_hold_others_are_whole():
    model = keras.Sequential(
        [
            keras.Input((5, 8)),
            layers.TimeDistributed(layers.Dense(4), name="time"),
            layers.Bidirectional(layers.LSTM(3), name="both"),
            layers.SpectralNormalization(layers.Dense(4), name="spectral"),
        ]
    )
    assert names(model) == ["time", "both", "spectral"]


def test_equal_names_in_nested_models_are_told_apart():
    x = keras.Input((8,))
    joined = layers.Add(name="add")([tower("e1")(x), tower("e2")(x)])
    model = keras.Model(x, layers.Dense(2, name="out")(joined))
    assert names(model) == ["e1/h", "e2/h", "add", "out"]


def test_a_shared_layer_has_its_first_path():
    x = keras.Input((8,))
    shared, top = layers.Dense(8, name="shared"), layers.Dense(8, name="h")
    inner = keras.Sequential([keras.Input((8,)), shared], name="inner")
    model = keras.Model(x, shared(top(tower("deep")(inner(x)))))
    found = {x.address: x.path for x in leaves.leaves(model)}
    expected = {"shared": "inner/shared", "deep/h": "deep/h", "h": "h"}
    assert found == expected


def test_a_leaf_in_a_wrapper_counts_as_itself():
    x = keras.Input((8,))
    model = keras.Model(x, tower("e1")(x) + tower("e2")(x))
    pruned = tfprune.prune(model, "magnitude", wrap=True)
    assert names(pruned) == names(model)
    inner = leaves.addresses(pruned)["e2/h"]
    assert inner is pruned.get_layer("e2").get_layer("h").layer


def test_a_variable_of_two_layers_is_of_the_first():
    class Tied(layers.Layer):
        def __init__(self, layer, **kwargs):
            super().__init__(**kwargs)
            self.kernel = layer.kernel
            self.inner = layers.Dense(2, name="inner")

        def call(self, x):
            return self.inner(x @ self.kernel)

    first, x = layers.Dense(8, name="first"), keras.Input((8,))
    y = first(x)
    model = keras.Model(x, Tied(first, name="tied")(y))
    found = {x.address: len(x.weights) for x in leaves.leaves(model)}
    assert found == {"first": 2, "tied": 0, "inner": 2}


def test_parameters_are_no_statistics():
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.BatchNormalization(name="norm"),
            layers.Dropout(0.5),
        ]
    )
    (leaf,) = leaves.with_parameters(model)
    assert [w.name for w in leaf.parameters] == ["gamma", "beta"]
    assert len(leaf.weights) == 4
