"""What reaches layers while a model runs."""

import keras
import numpy as np
import pytest
from keras import layers

from tfprune.graph import trace


class Sums(trace.Watcher):
    def __init__(self, layer):
        super().__init__(layer)
        self.rows, self.total = 0, 0.0

    def note(self, inputs):
        inputs = keras.ops.convert_to_numpy(inputs)
        self.rows += len(inputs)
        self.total += inputs.sum()


def net():
    x = keras.Input((3,))
    y = layers.Rescaling(2.0)(x)
    return keras.Model(x, layers.Dense(2, name="watched")(y))


def test_all_examples_reach_a_layer():
    model = net()
    watcher = Sums(model.get_layer("watched"))
    data = np.ones((150, 3))
    trace.run(model, {id(model.get_layer("watched")): watcher}, data)
    assert watcher.rows == 150 and watcher.total == 2 * data.sum()


def test_a_watcher_computes_what_the_layer_does():
    layer = net().get_layer("watched")
    x = np.ones((4, 3), "float32")
    np.testing.assert_array_equal(Sums(layer)(x), layer(x))


def test_there_must_be_examples():
    with pytest.raises(ValueError, match="must have examples"):
        trace.run(net(), {}, np.ones((0, 3)))
