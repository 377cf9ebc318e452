"""The channel graph: what is coupled in each model of the zoo, and barriers."""

import keras
import numpy as np
import pytest
from keras import layers

from tests.compress.filters import zoo
from tfprune.compress.filters import channel_graph
from tfprune.compress.filters import removal_plan


@pytest.mark.parametrize("name", zoo.ZOO)
def test_as_many_channels_are_free_as_there_should_be(name):
    make, free = zoo.ZOO[name]
    graph = channel_graph.channel_graph(make())
    assert graph.free.sum() == free, str(graph)


def held(graph):
    return {barrier.reason for barrier in graph.barriers}


def test_a_barrier_says_which_operation_and_where():
    inside = keras.Sequential(
        [keras.Input((4,)), layers.Lambda(lambda x: x, name="odd")],
        name="inside",
    )
    x = keras.Input((3,))
    y = layers.Dense(2)(inside(layers.Dense(4)(x)))
    graph = channel_graph.channel_graph(keras.Model(x, y))
    why = "inside/odd (Lambda): it is not known what it does to channels"
    assert why in held(graph)
    assert f"4 stay: {why}" in str(graph)


@pytest.mark.parametrize(
    "layer, why",
    [
        (
            lambda: layers.Activation("log_softmax"),
            "not known to be elementwise",
        ),
        (lambda: layers.Rescaling([1.0, 2.0, 3.0, 4.0]), "a scale of its own"),
        (lambda: layers.UnitNormalization(), "mixes all channels"),
        (lambda: lambda x: x[:, ::2], "it takes every n-th channel"),
        (
            lambda: lambda x: keras.ops.take(x, [2, 1], axis=-1),
            "takes channels, by their places",
        ),
        (lambda: lambda x: x + np.ones(4, "float32"), "an array"),
    ],
    ids=["activation", "rescaling", "norm", "slice", "take", "array"],
)
def test_barriers(layer, why):
    x = keras.Input((3,))
    y = layers.Dense(2)(layer()(layers.Dense(4)(x)))
    graph = channel_graph.channel_graph(keras.Model(x, y))
    assert not graph.free.any()
    assert any(why in reason for reason in held(graph)), held(graph)


@pytest.mark.filterwarnings("ignore:.*includes a `lambda`")
@pytest.mark.parametrize(
    "activation, free",
    [
        (layers.LeakyReLU(0.1), 4),
        (layers.ReLU(6.0), 4),
        (layers.Activation("tanh"), 4),
        (lambda x: keras.activations.gelu(x, approximate=True), 4),
        (lambda x: x * keras.ops.sigmoid(1.7 * x), 4),
        (lambda x: x - keras.ops.max(x, axis=-1, keepdims=True), 0),
        (lambda x: x - keras.ops.mean(x, axis=0), 0),
        (layers.Softmax(), 0),
    ],
)
def test_activations_of_all_kinds(activation, free):
    x = keras.Input((3,))
    y = layers.Dense(2)(layers.Dense(4, activation=activation)(x))
    graph = channel_graph.channel_graph(keras.Model(x, y))
    assert graph.free.sum() == free, str(graph)


def lora():
    layer = layers.Dense(4, name="odd")
    layer.build((None, 4))
    layer.enable_lora(2)
    return layer


@pytest.mark.parametrize(
    "layer, why",
    [
        (lora, "odd (Dense): its kernel is a sum with a LoRA"),
        (
            lambda: lambda x: layers.Dropout(0.5, name="odd")(x, training=True),
            "odd (Dropout): it is called with `training=True`",
        ),
    ],
    ids=["lora", "training"],
)
def test_calls_of_which_nothing_is_known(layer, why):
    x = keras.Input((3,))
    y = layers.Dense(2)(layer()(layers.Dense(4)(x)))
    model = keras.Model(x, y)
    graph = channel_graph.channel_graph(model)
    assert not graph.free.any()
    assert why in held(graph), held(graph)
    assert not removal_plan.plan_removal(model).removed.any()


def test_a_subclass_may_do_anything():
    class Mine(layers.ReLU):
        def call(self, x):
            return x[:, ::-1]

    x = keras.Input((3,))
    y = layers.Dense(2)(Mine()(layers.Dense(4)(x)))
    graph = channel_graph.channel_graph(keras.Model(x, y))
    assert not graph.free.any()


def test_roles_and_places():
    x = keras.Input((8, 8, 3))
    y = layers.BatchNormalization(name="norm")(
        layers.Conv2D(4, 3, name="conv")(x)
    )
    y = layers.Dense(2, name="out")(layers.Flatten()(y))
    graph = channel_graph.channel_graph(keras.Model(x, y))
    found = {(s.where, s.variable.name, s.axis): s for s in graph.axes}
    channels = found["conv", "kernel", 3].channels
    assert np.unique(channels).size == 4
    for name, role in (("gamma", "scale"), ("beta", "shift")):
        axis = found["norm", name, 0]
        assert axis.role == role
        np.testing.assert_array_equal(axis.channels, channels)
    rows = found["out", "kernel", 0]
    assert rows.role == "input"
    np.testing.assert_array_equal(rows.channels, np.tile(channels, 36))


def test_what_the_same_layers_make_is_a_group():
    make, _ = zoo.ZOO["with itself"]
    graph = channel_graph.channel_graph(make())
    assert sorted(x.channels.size for x in graph.groups()) == [2, 6]


def test_a_subclassed_model_has_no_graph():
    class Mine(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(ValueError, match="`model` must be Sequential"):
        channel_graph.channel_graph(Mine())
