"""Elimination: of channels that can be told from others, all but one stay."""

import keras
import numpy as np
from keras import layers

from tfprune.compress.filters import channel_graph
from tfprune.compress.filters import elimination

RANDOM = np.random.default_rng(0)


def order(model, x, count):
    graph = channel_graph.channel_graph(model)
    (group,) = graph.groups()
    found = elimination.Elimination(graph, [x])
    return found.order(group.channels, count)


def cost(inputs, kernel, gone):
    """What least squares loses of what a kernel gives: the reference."""
    kept = np.delete(inputs, gone, axis=1)
    target = inputs @ kernel
    fit = kept @ np.linalg.lstsq(kept, target, rcond=None)[0]
    return np.sum((target - fit) ** 2)


def test_each_step_is_the_one_that_loses_least():
    model = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(7, "relu", name="makes"),
            layers.Dense(3, use_bias=False),
        ]
    )
    x = RANDOM.normal(size=(400, 5)).astype("float32")
    inputs = np.array(model.get_layer("makes")(x), "float64")
    kernel = np.array(model.layers[-1].kernel, "float64")
    gone = []
    for place in order(model, x, 4):
        costs = {
            other: cost(inputs, kernel, [*gone, other])
            for other in range(7)
            if other not in gone
        }
        assert costs[place] <= 1.01 * min(costs.values()) + 1e-6
        gone.append(place)


def test_one_of_two_equal_channels_stays():
    x = keras.Input((8, 8, 3))
    y = layers.Conv2D(4, 3, padding="same", name="makes")(x)
    y = layers.Conv2D(5, 3, padding="same")(y)
    model = keras.Model(x, layers.Flatten()(y))
    kernel = np.array(model.get_layer("makes").kernel)
    kernel[..., 2] = kernel[..., 0]
    model.get_layer("makes").set_weights([10 * kernel, np.zeros(4)])
    images = RANDOM.normal(size=(40, 8, 8, 3)).astype("float32")
    assert order(model, images, 1)[0] in (0, 2)
    assert not {0, 2} <= set(order(model, images, 3)[:2])


def test_what_no_kernel_reads_has_no_order():
    x = keras.Input((8, 8, 3))
    y = layers.DepthwiseConv2D(3)(layers.Conv2D(4, 3, name="makes")(x))
    y = layers.Conv2D(4, 1, groups=4)(y)
    model = keras.Model(x, layers.GlobalAveragePooling2D()(y)[:, :1])
    graph = channel_graph.channel_graph(model)
    images = RANDOM.normal(size=(4, 8, 8, 3)).astype("float32")
    found = elimination.Elimination(graph, [images])
    (group,) = graph.groups()
    assert found.order(group.channels, 1) is None
