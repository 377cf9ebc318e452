"""Walking through models of any kind."""

import keras
from keras import layers

from tests.graph import cloning_test
from tfprune.graph import traversal

dense, net = cloning_test.dense, cloning_test.net


def test_leaves_are_each_layer_once_in_order():
    names = [x.name for x in traversal.leaves(net()) if x.weights]
    assert names == ["a", "b", "shared"]


def test_paths_say_where_a_layer_is():
    paths = dict(traversal.paths(net()))
    assert paths["once/b"].name == "b"
    assert "b" not in paths and "shared" in paths


def test_walk_opens_subclassed_models_and_composite_layers():
    class Mine(keras.Model):
        def __init__(self):
            super().__init__()
            self.blocks = [dense("a"), layers.TimeDistributed(dense("b"))]

    names = [layer.name for layer in traversal.walk(Mine())]
    assert names == ["a", "time_distributed", "b"]


def test_the_outermost_models_with_a_graph():
    class Mine(keras.Model):
        def __init__(self):
            super().__init__()
            self.inner = [net(), layers.TimeDistributed(net())]

    mine = Mine()
    assert traversal.outermost(mine.inner[0]) == [mine.inner[0]]
    assert traversal.outermost(mine) == [mine.inner[0], mine.inner[1].layer]
