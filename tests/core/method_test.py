"""What a method prunes in a layer, and what it leaves out of it."""

import keras
import numpy as np
import pytest
from keras import layers

from tfprune import methods
from tfprune.core import structures


def lstm(inputs, size):
    layer = layers.LSTM(size, name="lstm")
    layer.build((None, 5, inputs))
    return layer


def block(height):
    return methods.Magnitude(0.5, structure=structures.Block(height, 1))


def names_of(method, layer):
    return [variable.name for variable, _ in method.targets(layer)]


def test_a_kernel_that_does_not_fit_is_left_out_alone():
    layer = lstm(6, 8)
    assert names_of(block(4), layer) == ["recurrent_kernel"]
    assert names_of(block(3), layer) == ["kernel"]
    assert names_of(block(2), layer) == ["kernel", "recurrent_kernel"]
    assert block(4).unsupported_reason(layer) is None
    assert block(4).left_out(layer) == (
        "its lstm_cell/kernel: blocks of 4x1 do not divide shape (6, 32)"
    )
    assert block(2).left_out(layer) is None


def test_a_layer_of_which_no_kernel_fits_does_not():
    reason = (
        "its lstm_cell/kernel: blocks of 5x1 do not divide shape (6, 32); its "
        "lstm_cell/recurrent_kernel: blocks of 5x1 do not divide shape (8, 32)"
    )
    layer = lstm(6, 8)
    assert block(5).unsupported_reason(layer) == reason
    with pytest.raises(ValueError, match="lstm_cell/recurrent_kernel: blocks"):
        block(5).targets(layer)


def test_a_layer_without_a_kernel():
    layer = layers.BatchNormalization()
    layer.build((None, 4))
    assert block(2).unsupported_reason(layer) == "it has no kernel"


def test_a_kernel_of_integers_is_left_out():
    class Two(keras.layers.Layer):
        def build(self, input_shape):
            shape = (4, 4)
            self.a = self.add_weight(shape, name="kernel", dtype="float32")
            self.b = self.add_weight(
                shape,
                name="recurrent_kernel",
                dtype="int8",
                initializer="zeros",
                trainable=False,
            )

        def call(self, x):
            return x

    layer = Two(name="two")
    layer(np.zeros((1, 4), "float32"))
    assert names_of(methods.Magnitude(), layer) == ["kernel"]
    reason = "its recurrent_kernel is int8, not float"
    assert methods.Magnitude().left_out(layer) == reason


def test_arrays_are_shown_as_they_are():
    layer = lstm(6, 8)
    kernel = layer.cell.kernel
    assert methods.Magnitude().summed_axes(layer, kernel) is None
