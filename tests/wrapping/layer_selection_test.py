"""What is selected of a model, under which address, and what is said."""

import keras
import numpy as np
import pytest
from keras import layers

from tests.graph import leaves_test
from tfprune import methods
from tfprune.core import structures
from tfprune.graph import leaves
from tfprune.wrapping import layer_selection


def choose(model, filters=None, method=None, **settings):
    method = method or methods.Magnitude(0.5, settings=settings)
    return layer_selection.choose(method, model, filters)


def fit(found):
    return [name for x, name in found.names.items() if x in found.fit]


def towers():
    x = keras.Input((8,))
    towers = [leaves_test.tower(name)(x) for name in ("e1", "e2")]
    joined = layers.Concatenate()(towers)
    return keras.Model(x, layers.Dense(1, name="out")(joined))


def stack(*stacked):
    return keras.Sequential([keras.Input((8,)), *stacked])


def test_what_is_in_a_subclassed_model_and_its_blocks():
    assert fit(choose(leaves_test.mine())) == [
        *("one/attention", "one/hidden", "two/attention", "two/hidden"),
        *("head", "head_1"),
    ]
    chosen = choose(leaves_test.mine(), ["one", "hidden"])
    assert fit(chosen) == ["one/attention", "one/hidden", "two/hidden"]


def test_what_has_no_kernel_is_an_error_where_it_is_named_alone():
    model = stack(layers.BatchNormalization(name="norm"), layers.Dense(4))
    for filters in (".*", lambda layer: True):
        assert fit(choose(model, filters)) == [model.layers[-1].name]
    for filters in ("norm", ["norm", ".*"]):
        with pytest.raises(ValueError, match="layer 'norm', which was chosen"):
            choose(model, filters)
    with pytest.raises(ValueError, match="layer 'norm', which was chosen"):
        choose(model, norm={"target_sparsity": 0.5})


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ("h", ["e1/h", "e2/h"]),
        ("e1/h", ["e1/h"]),
        (["e2/.*", "out"], ["e2/h", "out"]),
        (lambda layer: layer.name == "h", ["e1/h", "e2/h"]),
    ],
)
def test_filters(filters, expected):
    assert fit(choose(towers(), filters)) == expected


def test_settings_of_one_of_two_layers_of_a_name():
    found = choose(towers(), **{"e1/h": None})
    assert fit(found) == ["e2/h", "out"]
    assert found.settings == {"e1/h": None} and not found.skipped()
    own = {"target_sparsity": 0.9}
    found = choose(towers(), **{"h": own, "e2/h": None})
    assert found.settings == {"e1/h": own, "e2/h": None}


def test_the_nearest_address_is_told():
    with pytest.raises(ValueError, match="Did you mean 'e1/h'"):
        choose(towers(), "e1/g")
    with pytest.raises(ValueError, match="fit layer 'e1/h', which was chosen"):
        choose(towers(), "e1", methods.NM(2, 3))


def test_layers_without_kernels_are_counted_beside_others_only():
    norms = [layers.BatchNormalization() for _ in range(3)]
    model = stack(*norms, layers.PReLU(), layers.Dropout(0.5), layers.Dense(4))
    found = choose(model)
    assert found.skipped() == ""
    found = choose(model, method=methods.NM(2, 5))
    assert found.skipped().endswith(
        "does not divide\nand 4 layers without kernels, such as "
        "BatchNormalization"
    )


def test_a_users_layer_without_a_kernel_is_listed():
    class Odd(layers.Layer):
        def build(self, shape):
            self.matrix = self.add_weight(shape=(8, 8), name="matrix")
            self.shift = self.add_weight(shape=(1, 8), name="shift")

        def call(self, x):
            return x @ self.matrix + self.shift

    found = choose(stack(Odd(name="odd"), layers.Dense(4)))
    assert found.skipped() == "\n  odd: it has no kernel"


def test_a_block_with_weights_of_its_own():
    class Scaled(layers.Layer):
        def build(self, shape):
            self.scale = self.add_weight(shape=(8,), name="scale")
            self.dense = layers.Dense(8, name="dense")
            self.dense.build(shape)

        def call(self, x):
            return self.dense(x * self.scale)

    found = choose(stack(Scaled(name="scaled")))
    assert fit(found) == ["dense"]
    assert str(found) == "\n  scaled: it has no kernel of its own"


@pytest.mark.parametrize("inside", [False, True])
def test_what_enable_lora_keeps_from_training_is_skipped(inside):
    model = leaves_test.mine() if inside else towers()
    name = "one/hidden" if inside else "out"
    layer = leaves.addresses(model)[name]
    layer.enable_lora(2)
    found = choose(model)
    assert name not in fit(found)
    assert f"{name}: its kernel does not train" in found.skipped()
    layer.trainable = False
    assert name not in fit(choose(model))


def test_a_kernel_of_integers_is_skipped():
    model = towers()
    model.get_layer("out").quantize("int8")
    assert "out: its kernel is int8, not float" in choose(model).skipped()


@pytest.mark.parametrize("frozen", ["e1", "time"])
def test_what_is_frozen_with_its_layer_is_selected(frozen):
    x = keras.Input((5, 8))
    time = layers.TimeDistributed(layers.Dense(8, name="in"), name="time")
    model = keras.Model(x, leaves_test.tower("e1")(time(x)[:, 0]))
    model.get_layer("time").layer.trainable = frozen != "time"
    model.get_layer("e1").trainable = frozen != "e1"
    assert fit(choose(model)) == ["time", "h"]


def test_a_kernel_that_does_not_train_in_a_layer_that_does():
    model = towers()
    model.get_layer("out").kernel.trainable = False
    assert "out: its kernel does not train, but" in choose(model).skipped()


def test_coupled_settings_are_compared_by_address():
    def half(name):
        x = keras.Input((6, 6, 3))
        conv = layers.Conv2D(4, 3, name="conv")
        return keras.Model(x, conv(x), name=name)

    x = keras.Input((6, 6, 3))
    y = layers.Add()([half("left")(x), half("right")(x)])
    model = keras.Model(x, layers.Conv2D(2, 1, name="out")(y))
    settings = {
        "left/conv": {"target_sparsity": 0.5},
        "right/conv": {"target_sparsity": 0.25},
    }
    method = methods.Magnitude(
        structure=structures.CoupledFilter(), settings=settings
    )
    with pytest.raises(ValueError, match="'left/conv'.*'right/conv'"):
        choose(model, method=method)
    del settings["left/conv"]
    found = choose(
        model,
        method=methods.Magnitude(
            structure=structures.CoupledFilter(), settings=settings
        ),
    )
    assert fit(found) == ["left/conv", "right/conv"]


def test_an_embedding_and_a_recurrent_layer_are_selected():
    x = keras.Input((5,))
    y = layers.Embedding(9, 8, name="words")(x)
    model = keras.Model(x, layers.LSTM(4, name="lstm")(y))
    assert fit(choose(model)) == ["words", "lstm"]
    assert np.all([reason is None for reason in choose(model).reasons])
