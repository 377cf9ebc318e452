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


def test_nested_models_are_of_their_class():
    inner = zeroed({"dense_0": 2})
    x = keras.Input((5,))
    model = keras.Model(x, layers.Dense(2)(inner(x)))
    small = remove.remove_filters(model).model
    assert type(small.get_layer(inner.name)) is Net
    assert [x.name for x in small.layers] == [x.name for x in model.layers]
    same(model, small)


def test_nothing_is_remade_of_plain_models():
    model = keras.Sequential([keras.Input((5,)), layers.Dense(2)])
    assert own_class.remade(model, model) is model


@pytest.mark.parametrize("is_nested", [False, True])
def test_backbones_of_kerashub(is_nested):
    hub = pytest.importorskip("keras_hub")
    model = hub.models.BertBackbone(50, 2, 4, 32, 48, max_sequence_length=8)
    for number in range(2):
        block = model.get_layer(f"transformer_layer_{number}")
        wide = block._feedforward_intermediate_dense
        for variable in (wide.kernel, wide.bias):
            variable.assign(variable * (np.arange(48) < 20))
    if is_nested:
        outputs = model(model.input)["pooled_output"]
        model = keras.Model(model.input, layers.Dense(2)(outputs))
    small = remove.remove_filters(model).model
    inner = small.get_layer("bert_backbone") if is_nested else small
    assert type(inner) is hub.models.BertBackbone
    assert inner.intermediate_dim == 20
    assert small.count_params() < model.count_params()
