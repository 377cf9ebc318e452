"""Layers of zeros that become the padding of convolutions."""

import keras
import numpy as np
import pytest
from keras import layers

from tests.compress.sparse import fold_test
from tfprune.compress.sparse import fold
from tfprune.graph import model_graph

randomize, compare, kinds = (
    fold_test.randomize,
    fold_test.compare,
    fold_test.kinds,
)


@pytest.mark.parametrize(
    "size, zeros, conv",
    [
        (6, 1, layers.Conv2D(4, 3)),
        (6, ((0, 1), (0, 1)), layers.Conv2D(4, 3, strides=2)),
        (7, 1, layers.DepthwiseConv2D(3, strides=2)),
        ((6, 7), ((0, 1), (1, 1)), layers.DepthwiseConv2D(3, strides=2)),
        (9, 2, layers.Conv2D(4, 3, dilation_rate=2)),
        (5, ((0, 0), (1, 2)), layers.Conv2D(4, (1, 4))),
    ],
    ids=lambda x: type(x).__name__ if isinstance(x, layers.Layer) else None,
)
def test_zeros_become_padding(size, zeros, conv):
    size = (size, size) if isinstance(size, int) else size
    inputs = keras.Input((*size, 4))
    outputs = conv(layers.ZeroPadding2D(zeros, name="zeros")(inputs))
    model = randomize(keras.Model(inputs, outputs))
    folded = fold.fold(model_graph.ModelGraph(model))
    compare(model, folded)
    assert kinds(model).keys() - kinds(folded).keys() == {"zeros"}
    assert folded.layers[-1].padding == "same"
    assert model_graph.built_on(folded.layers[-1]) == [(None, *size, 4)]


def test_zeros_that_something_else_takes_stay():
    inputs = keras.Input((6, 6, 4))
    x = layers.ZeroPadding2D(1)(inputs)
    outputs = [layers.Conv2D(4, 3)(x), layers.Conv2D(2, 3)(x)]
    model = randomize(keras.Model(inputs, outputs))
    folded = fold.fold(model_graph.ModelGraph(model))
    assert kinds(folded) == kinds(model)


def test_zeros_of_any_size():
    """What SAME adds depends on the size where there are strides."""
    inputs = keras.Input((None, None, 4))
    x = layers.Conv2D(4, 3, name="a")(layers.ZeroPadding2D(1)(inputs))
    x = layers.Conv2D(4, 3, strides=2)(layers.ZeroPadding2D(1)(x))
    model = randomize(keras.Model(inputs, x))
    folded = fold.fold(model_graph.ModelGraph(model))
    assert len(kinds(model)) - len(kinds(folded)) == 1
    assert folded.get_layer("a").padding == "same"
    for size in (6, 7):
        x = np.ones((1, size, size, 4), "float32")
        np.testing.assert_allclose(folded(x), model(x), rtol=1e-4)


def test_sizes_of_another_model_do_not_count():
    pad, conv = layers.ZeroPadding2D(1), layers.Conv2D(4, 3, strides=2)
    first = keras.Input((7, 7, 4))
    conv(pad(first))
    inputs = keras.Input((6, 6, 4))
    model = randomize(keras.Model(inputs, conv(pad(inputs))))
    folded = fold.fold(model_graph.ModelGraph(model))
    compare(model, folded)
    assert kinds(folded) == kinds(model)


def test_sequential_models_take_any_size():
    head = [layers.ZeroPadding2D(1), layers.Conv2D(4, 3, strides=2)]
    model = randomize(keras.Sequential([keras.Input((7, 7, 4)), *head]))
    folded = fold.fold(model_graph.ModelGraph(model))
    for size in (6, 7):
        x = np.ones((1, size, size, 4), "float32")
        np.testing.assert_allclose(folded(x), model(x), rtol=1e-4)
