"""Blocks that add nothing go as a whole."""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

import tfprune
from tests.compress.filters import remove_test
from tests.compress.filters import zoo
from tfprune import compress
from tfprune.compress.filters import blocks
from tfprune.compress.filters import channel_graph


def convolutions():
    x = keras.Input((8, 8, 3))
    y = layers.Conv2D(6, 3, padding="same")(x)
    for _ in range(4):
        z = layers.ReLU()(layers.BatchNormalization()(y))
        z = layers.Conv2D(6, 3, padding="same")(z)
        y = layers.Add()([y, layers.Dropout(0.1)(z)])
    return keras.Model(x, layers.Dense(2)(layers.Flatten()(y))), 4


def normalized():
    """The last layer of a block is a normalization."""
    x = keras.Input((8, 8, 3))
    y = layers.Conv2D(6, 3, padding="same")(x)
    for _ in range(2):
        z = layers.Conv2D(4, 1, activation="relu")(y)
        y += layers.BatchNormalization()(layers.Conv2D(6, 1)(z))
    return keras.Model(x, layers.Dense(2)(layers.Flatten()(y))), 2


def transformer(first=True):
    x = keras.Input((5, 3))
    y = layers.Dense(8)(x)
    norm = layers.LayerNormalization
    for _ in range(2):
        z = norm()(y) if first else y
        y = layers.Add()([layers.MultiHeadAttention(2, 4)(z, z), y])
        z = norm()(y)
        y = (y if first else z) + layers.Dense(8)(layers.Dense(6, "gelu")(z))
    return keras.Model(x, layers.Dense(2)(ops.mean(y, axis=1))), 4


def nested():
    """Blocks in a model that is in another one."""
    x = keras.Input((5,))
    y = layers.Dense(4)(x)
    for _ in range(2):
        y = layers.Add()([y, layers.Dense(4, "relu")(y)])
    inner = keras.Model(x, y, name="inner")
    x = keras.Input((5,))
    return keras.Model(x, layers.Dense(2)(inner(x))), 2


def inside():
    """The branch of a block is a model of its own."""
    x = keras.Input((5,))
    y = layers.Dense(4)(x)
    for number in range(2):
        z = keras.Input((4,))
        inner = layers.Dropout(0.1)(layers.Dense(4)(layers.ReLU()(z)))
        y = y + keras.Model(z, inner, name=f"inner_{number}")(y)
    return keras.Model(x, layers.Dense(2)(y)), 2


NETS = {
    "inside": inside,
    "convolutions": convolutions,
    "normalized": normalized,
    "pre-norm": transformer,
    "post-norm": lambda: transformer(first=False),
    "nested": nested,
}


@pytest.mark.parametrize("share", [0.5, 0.99])
@pytest.mark.parametrize("name", NETS)
def test_blocks_go(name, share):
    model, count = NETS[name]()
    zoo.randomize(model)
    assert len(blocks.blocks(channel_graph.channel_graph(model))) == count
    zeroed = compress.zero_blocks(model, share)
    found = tfprune.remove_filters(zeroed)
    remove_test.compare(zeroed, found.model)
    left = blocks.blocks(channel_graph.channel_graph(found.model))
    assert len(left) == count - int(share * count)
    assert found.model.count_params() < model.count_params()
    assert found.plan.total.before.parameters == model.count_params()
    assert found.plan.total.after.parameters == found.model.count_params()
    assert "is added to something, as zeros" in str(found.plan)


def test_filters_go_from_what_is_left():
    model, _ = transformer()
    zoo.randomize(model)
    zeroed = compress.zero_filters(compress.zero_blocks(model, 0.5), 0.5)
    small = tfprune.remove_filters(zeroed).model
    remove_test.compare(zeroed, small)
    assert small.count_params() < 0.4 * model.count_params()


def test_a_sum_of_two_branches_is_no_block():
    x = keras.Input((5,))
    y = layers.Add()([layers.Dense(4)(x), layers.Dense(4)(x)])
    model = keras.Model(x, layers.Dense(2)(y))
    assert not blocks.blocks(channel_graph.channel_graph(model))


def test_branches_of_zeros_go_wherever_they_are_added():
    """A sum of three stays one; a shortcut that is all zeros goes, too."""
    x = keras.Input((5,))
    one, two, three = (layers.Dense(4, name=f"d{i}")(x) for i in range(3))
    y = layers.Add(name="sum")([one, two, three])
    y = layers.Add(name="pair")([layers.Dense(4, name="zero")(x), y])
    model = zoo.randomize(keras.Model(x, layers.Dense(2)(y)))
    for name in ("d1", "zero"):
        layer = model.get_layer(name)
        layer.set_weights([np.zeros(w.shape) for w in layer.weights])
    small = tfprune.remove_filters(model).model
    remove_test.compare(model, small)
    names = {x.name for x in small.layers}
    assert "zero" not in names and "d1" in names


def test_what_is_used_elsewhere_stays():
    x = keras.Input((5,))
    y = layers.Dense(4)(x)
    branch = layers.Dense(4, name="branch")(y)
    y = layers.Concatenate()([layers.Add()([y, branch]), branch])
    model = zoo.randomize(keras.Model(x, layers.Dense(2)(y)))
    layer = model.get_layer("branch")
    layer.set_weights([np.zeros(w.shape) for w in layer.weights])
    small = tfprune.remove_filters(model).model
    remove_test.compare(model, small)
    assert any(x.name == "branch" for x in small.layers)
