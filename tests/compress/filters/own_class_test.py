"""A smaller model is of its own class where that has numbers for it."""

import keras
import numpy as np
import pytest
from keras import layers

from tfprune.compress.filters import own_class
from tfprune.compress.filters import remove
from tfprune.graph import examples


@keras.saving.register_keras_serializable(package="own_class_test")
class Net(keras.Model):
    """Its config has a number, a list of numbers, and one it does not make."""

    def __init__(self, width=8, widths=(6, 8), most=8, **kwargs):
        x = keras.Input((5,))
        y = layers.Dense(width, "relu", name="first")(x)
        for i, own in enumerate(widths):
            y = layers.Dense(own, "relu", name=f"dense_{i}")(y)
        if most < 8:
            raise RuntimeError("Out of range.")
        super().__init__(x, layers.Dense(3, name="last")(y), **kwargs)
        self.sizes = {"width": width, "widths": list(widths), "most": most}

    def get_config(self):
        return {"name": self.name, "trainable": self.trainable, **self.sizes}


def zeroed(kept):
    """A net, some layers of which have units of zeros from a place on."""
    keras.utils.set_random_seed(0)
    model = Net()
    for name, count in kept.items():
        layer = model.get_layer(name)
        keep = np.arange(layer.units) < count
        layer.kernel.assign(layer.kernel * keep)
    return model


def same(one, other):
    (x,) = examples.random(one, 3)
    np.testing.assert_allclose(one(x), other(x), atol=1e-5)


@pytest.mark.parametrize(
    ("kept", "sizes"),
    [
        ({"first": 4, "dense_1": 4}, {"width": 4, "widths": [6, 4]}),
        ({"dense_0": 2}, {"width": 8, "widths": [2, 8]}),
        # Both had 8: that one has less now is no reason for the other.
        ({"first": 5}, {"width": 5, "widths": [6, 8]}),
    ],
)
def test_numbers_of_the_config_become_smaller(kept, sizes):
    model = zeroed(kept)
    model.get_layer("last").trainable = False
    found = remove.remove_filters(model)
    assert type(found.model) is Net and not found.class_change
    assert found.model.sizes == {**sizes, "most": 8}
    assert not found.model.get_layer("last").kernel.trainable
    same(model, found.model)


def test_what_no_number_says_is_functional():
    model = zeroed({"first": 4, "dense_1": 3})
    found = remove.remove_filters(model)
    assert "Net (a subclass of Functional)" in found.class_change
    same(model, found.model)


@keras.saving.register_keras_serializable(package="own_class_test")
class Words(keras.Model):
    """Holds what is no size, and what its config does not tell."""

    def __init__(self, width=8, padding=8, **kwargs):
        words = keras.Input((4,), dtype="int32")
        table = layers.IntegerLookup(name="table")
        table.set_vocabulary([1, 2, 3])
        x = layers.Embedding(10, 6, name="embedding")(table(words))
        x = x * keras.ops.cast(words != padding, "float32")[..., None]
        x = layers.Dense(width, "relu", name="first")(x)
        x = layers.Dropout(0.5, name="drop")(x)
        x = layers.BatchNormalization(name="norm")(x)
        super().__init__(words, layers.Dense(3, name="last")(x), **kwargs)
        self.sizes = {"width": width, "padding": padding}

    def get_config(self):
        return self.sizes


def words():
    keras.utils.set_random_seed(0)
    model = Words(name="words")
    first = model.get_layer("first")
    first.kernel.assign(first.kernel * (np.arange(8) < 4))
    return model


def test_what_is_no_size_stays():
    model = words()
    model.get_layer("table").set_vocabulary([4, 8, 6])
    model.get_layer("norm").trainable = False
    small = remove.remove_filters(model).model
    assert type(small) is Words and small.name == "words"
    assert small.sizes == {"width": 4, "padding": 8}
    assert not small.get_layer("norm").trainable
    x = np.array([[8, 4, 6, 1], [4, 4, 8, 0]], "int32")
    np.testing.assert_allclose(small(x), model(x), atol=1e-5)


def changed_rate(model):
    model.get_layer("drop").rate = 0.1


def changed_dtype(model):
    model.get_layer("drop").dtype_policy = keras.DTypePolicy("mixed_bfloat16")


@pytest.mark.parametrize("change", [changed_rate, changed_dtype])
def test_what_its_class_would_not_make_is_functional(change):
    model = words()
    change(model)
    found = remove.remove_filters(model)
    assert found.class_change.endswith("comes back as a Functional")


class Refuses(Words):
    def get_config(self):
        raise NotImplementedError


class OfArrays(Words):
    def get_config(self):
        return {"width": np.array([8, 8]), "padding": 8}


@pytest.mark.parametrize("kind", [Refuses, OfArrays])
def test_what_has_no_config_to_use_is_functional(kind):
    model = kind()
    first = model.get_layer("first")
    first.kernel.assign(first.kernel * (np.arange(8) < 4))
    found = remove.remove_filters(model)
    assert found.class_change.endswith("comes back as a Functional")
    assert found.model.get_layer("first").units == 4


def test_nothing_is_remade_of_plain_models():
    model = keras.Sequential([keras.Input((5,)), layers.Dense(2)])
    assert own_class.remade(model, model) is model


def test_backbones_of_kerashub():
    hub = pytest.importorskip("keras_hub")
    model = hub.models.BertBackbone(50, 2, 4, 32, 48, max_sequence_length=8)
    for number in range(2):
        block = model.get_layer(f"transformer_layer_{number}")
        wide = block._feedforward_intermediate_dense
        for variable in (wide.kernel, wide.bias):
            variable.assign(variable * (np.arange(48) < 20))
    small = remove.remove_filters(model).model
    assert type(small) is hub.models.BertBackbone
    assert small.intermediate_dim == 20
    inputs = examples.random(model, 2, 8)
    wanted, got = (examples.call(x, *inputs) for x in (model, small))
    for key, value in wanted.items():
        np.testing.assert_allclose(got[key], value, atol=1e-5)
