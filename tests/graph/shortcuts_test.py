"""Which layers may fall silent."""

import keras
from keras import layers

from tfprune.graph import model_graph
from tfprune.graph import shortcuts
from tfprune.graph import traversal


def names(model):
    found = shortcuts.bypassed(model_graph.ModelGraph(model))
    return {x.name for x in traversal.walk(model) if id(x) in found}


def test_a_chain_has_none():
    chain = [keras.Input((4,)), layers.Dense(3), layers.Dense(2)]
    assert names(keras.Sequential(chain)) == set()


def test_terms_of_sums_and_parts_of_concatenations():
    x = keras.Input((4,))
    y = layers.Dense(4, name="first")(x)
    y = layers.Add(name="sum")([x, y])
    z = layers.Dense(4, name="second")(y)
    z = layers.Concatenate(name="both")([y, z])
    model = keras.Model(x, layers.Dense(2, name="out")(z))
    assert names(model) == {"first", "second"}


def test_factors_are_needed():
    x = keras.Input((4,))
    gate = layers.Dense(4, name="gate")(x)
    model = keras.Model(x, layers.Multiply(name="product")([x, gate]))
    assert names(model) == set()


def test_each_output_counts():
    x = keras.Input((4,))
    y = layers.Dense(4, name="branch")(x)
    total = layers.Add(name="sum")([x, y])
    assert names(keras.Model(x, total)) == {"branch"}
    assert names(keras.Model(x, [total, y])) == set()


def test_nested_models():
    inner_x = keras.Input((4,))
    inner_y = layers.Dense(4, name="short")(inner_x)
    inner = keras.Model(inner_x, layers.Add()([inner_x, inner_y]), name="inner")
    chain = keras.Sequential([keras.Input((4,)), layers.Dense(4, name="all")])
    x = keras.Input((4,))
    y = layers.Add(name="sum")([inner(x), x])
    y = layers.Add(name="sum2")([y, chain(y)])
    model = keras.Model(x, y)
    assert {"short", "all", "inner"} <= names(model)
    assert not {"sum", "sum2"} & names(model)
    alone = keras.Sequential([keras.Input((4,)), inner])
    assert names(alone) == {"short"}


def test_of_a_subclassed_model_those_inside():
    inner_x = keras.Input((4,))
    branch = layers.Dense(4, name="branch")(inner_x)
    total = layers.Add(name="sum")([inner_x, branch])

    class Mine(keras.Model):
        def __init__(self):
            super().__init__()
            self.inner = keras.Model(inner_x, total)
            self.head = layers.Dense(2, name="head")

    assert names(Mine()) == {"branch"}


def test_what_is_in_a_layer_that_is_bypassed():
    class Block(layers.Layer):
        def __init__(self):
            super().__init__(name="block")
            self.dense = layers.Dense(4, name="inside")

        def call(self, x):
            return self.dense(x)

    x = keras.Input((4,))
    total = layers.Add(name="sum")([x, Block()(x)])
    assert names(keras.Model(x, total)) == {"block", "inside"}
