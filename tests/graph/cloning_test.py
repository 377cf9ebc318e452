"""Cloning: nested and shared layers, and what a copy copies."""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

import tfprune
from tfprune.graph import cloning
from tfprune.graph import traversal


def dense(name):
    return layers.Dense(3, name=name)


def net():
    """Two nested models, one of them used twice, and a shared layer."""
    twice = keras.Sequential([keras.Input((3,)), dense("a")], name="twice")
    once = keras.Sequential([keras.Input((3,)), dense("b")], name="once")
    shared = dense("shared")
    x = keras.Input((3,), name="x")
    y = twice(twice(x)) + ops.relu(once(x))
    return keras.Model(x, shared(shared(y)))


def leave(layer, copied):
    return copied


def test_a_clone_shares_no_layer_and_no_weight():
    plain = net()
    clone = cloning.clone(plain, leave)
    x = np.ones((2, 3), "float32")
    np.testing.assert_array_equal(clone(x), plain(x))
    mine = {id(x) for x in [*traversal.walk(plain), *plain.weights]}
    assert not mine & {id(x) for x in [*traversal.walk(clone), *clone.weights]}
    assert len(clone.weights) == len(plain.weights)


def test_each_layer_is_replaced_once():
    seen = []
    cloning.clone(
        net(), lambda layer, copied: seen.append(layer.name) or copied
    )
    assert sorted(set(seen) & {"a", "b", "shared"}) == ["a", "b", "shared"]
    assert len(seen) == len(set(seen))


def test_layers_below_sequential_models_are_called_as_wanted():
    x = keras.Input((3,))
    inner = keras.Model(x, layers.BatchNormalization(name="norm")(x))
    chain = keras.Sequential([keras.Input((3,)), inner])
    called = []

    def call(layer, *args, **kwargs):
        called.append(layer.name)
        return layer(*args, **kwargs)

    y = keras.Input((3,))
    cloning.clone(keras.Model(y, chain(y)), leave, call)
    assert "norm" in called


def test_a_copy_has_the_name_that_a_constructor_changes():
    class Suffixed(layers.Dense):
        def __init__(self, units, name, **kwargs):
            super().__init__(units, name=f"{name}_0", **kwargs)

    x = keras.Input((3,))
    model = keras.Model(x, Suffixed(2, "mine")(x))
    assert cloning.clone(model, leave).layers[-1].name == "mine_0"


def test_a_clone_is_not_compiled_and_the_original_still_is():
    inner = keras.Sequential([keras.Input((3,)), dense("a")], name="inner")
    inner.compile("sgd", loss=lambda y, out: ops.mean(y - out))
    x = keras.Input((3,))
    outer = keras.Model(x, inner(x))
    outer.compile("adam", "mse")
    clone = cloning.clone(outer, leave)
    assert not clone.compiled and not clone.get_layer("inner").compiled
    assert outer.compiled and inner.compiled


@pytest.mark.parametrize(
    "layer, inputs",
    [
        (layers.Dense(3), np.ones((2, 3))),
        (layers.BatchNormalization(), np.ones((2, 3))),
        (layers.Bidirectional(layers.GRU(2)), np.ones((2, 4, 3))),
        (layers.Dropout(0.5, seed=1), np.ones((2, 3))),
        (layers.Normalization(), np.ones((2, 3))),
    ],
    ids=lambda x: getattr(x, "name", ""),
)
def test_a_copy_has_the_state(layer, inputs):
    inputs = inputs.astype("float32")
    layer(inputs)
    random = np.random.default_rng(0)
    for variable in layer.variables:
        if "float" in variable.dtype:
            variable.assign(random.uniform(1, 2, variable.shape))
    if isinstance(layer, layers.Normalization):
        layer.finalize_state()
    copied = cloning.copy(layer)
    assert copied is not layer and copied.name == layer.name
    for training in (False, True):
        kwargs = {} if "norm" in layer.name else {"training": training}
        kwargs = {} if isinstance(layer, layers.Dense) else kwargs
        np.testing.assert_array_equal(
            copied(inputs, **kwargs), layer(inputs, **kwargs)
        )


def test_a_copy_that_cannot_be_built_says_why():
    class Hidden(layers.Layer):
        def build(self, shape):
            self.count = len(getattr(self, "given", ()))
            for _ in range(self.count):
                self.add_weight(shape=())

        def call(self, x):
            return x

    layer = Hidden(name="hidden")
    layer.given = (1, 2)
    layer(np.ones((2, 3)))
    with pytest.raises(ValueError, match="'hidden' must create its variables"):
        cloning.copy(layer)


class Block(layers.Layer):
    """Not registered, and made of layers that have flags of their own."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = layers.Dense(3, name="first")
        self.last = layers.Dense(3, name="last")

    def build(self, shape):
        self.first.build(shape)
        self.last.build(shape)

    def call(self, x):
        return self.last(self.first(x))


def flags(model):
    found = [x for x in [model, *traversal.walk(model)] if x.weights]
    return [x.trainable for x in [*found, *model.variables]]


def freeze_the_base(base):
    base.trainable = False


def freeze_what_is_inside(base):
    base.get_layer("inner").get_layer("a").trainable = False
    base.get_layer("block").first.trainable = False
    base.get_layer("block").last.bias.trainable = False


def freeze_all_but_one(base):
    base.trainable = False
    base.get_layer("inner").trainable = True


@pytest.mark.parametrize(
    "freeze", [freeze_the_base, freeze_what_is_inside, freeze_all_but_one]
)
def test_a_clone_trains_what_the_original_trains(freeze):
    x = keras.Input((3,))
    inner = keras.Sequential([keras.Input((3,)), dense("a")], name="inner")
    base = keras.Model(x, Block(name="block")(inner(x)), name="base")
    y = keras.Input((3,))
    model = keras.Model(y, dense("head")(base(y)))
    freeze(base)
    clone = cloning.clone(model, leave)
    assert flags(clone) == flags(model) and not all(flags(model))
    for each in (model, clone):
        each.get_layer("base").trainable = False
        each.get_layer("base").trainable = True
    assert flags(clone) == flags(model)


def test_a_copy_of_a_lambda_is_the_same_function():
    def net(function):
        return keras.Sequential([keras.Input((3,)), layers.Lambda(function)])

    plain = net(lambda x: ops.relu(x) + GLOBAL)
    clone = cloning.clone(plain, leave)
    x = np.ones((2, 3), "float32")
    np.testing.assert_array_equal(clone(x), plain(x))


GLOBAL = 2.0


def test_a_model_of_unregistered_layers_is_pruned_and_stripped():
    plain = keras.Sequential([keras.Input((3,)), Block(name="block")])
    half = tfprune.methods.Magnitude(0.5)
    model = tfprune.decide(tfprune.prune(plain, half, wrap=True))
    stripped = tfprune.strip(model)
    assert type(stripped.get_layer("block")) is Block
    x = np.ones((2, 3), "float32")
    np.testing.assert_array_equal(stripped(x), model(x))
