"""A wrapped layer of layers is decided part by part, as it is in place."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tests.wrapping import model_recipes
from tfprune import methods
from tfprune.core import units

HALF = methods.Magnitude(0.5, frequency=1)

pytestmark = pytest.mark.filterwarnings("ignore:.*skips these layers")


@keras.saving.register_keras_serializable("tests")
class Pair(layers.Layer):
    """Two layers, and a matrix of its own."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = layers.Dense(4, name="first")
        self.second = layers.Dense(6, name="second")

    def build(self, shape):
        self.first.build(shape)
        self.second.build((*shape[:-1], 4))
        self.kernel = self.add_weight((6, 6), name="kernel")

    def call(self, x):
        return self.second(self.first(x)) @ self.kernel


def wrapped(method=HALF, **kwargs):
    layer = tfprune.Prunable(Pair(name="pair"), method, **kwargs)
    return keras.Sequential([keras.Input((8,)), layer])


def shares(model):
    """The share that is masked of each unit, by name."""
    masks = {
        unit.name: np.concatenate(
            [target.mask.numpy().ravel() for target in unit.targets]
        )
        for unit in units.tagged(model.variables)
    }
    return {name: 1 - mask.mean() for name, mask in masks.items()}


def test_each_part_has_a_share_of_its_own():
    model = tfprune.decide(wrapped())
    assert shares(model) == {
        "pair": 0.5,
        "pair/first": 0.5,
        "pair/second": 0.5,
    }
    assert list(model.layers[0].settings) == ["pair", "first", "second"]


@pytest.mark.parametrize(
    "settings, expected",
    [
        ({"target_sparsity": 0.75}, [0.75, 0.75, 0.75]),
        ({"first": {"target_sparsity": 0.75}}, [0.5, 0.75, 0.5]),
        ({"first": None, "": None}, [0.5]),
    ],
)
def test_settings_of_all_parts_or_of_one(settings, expected, tmp_path):
    model = wrapped(settings=settings)
    model.save(tmp_path / "model.keras")
    for each in (model, keras.models.load_model(tmp_path / "model.keras")):
        np.testing.assert_allclose(
            [*shares(tfprune.decide(each)).values()], expected, atol=0.02
        )


@pytest.mark.parametrize(
    "settings, match",
    [
        ({"fist": {}}, "Did you mean 'first'"),
        ({"first": None, "second": None, "": None}, "not None for some part"),
    ],
)
def test_settings_that_fit_nothing_are_refused(settings, match):
    with pytest.raises(ValueError, match=match):
        wrapped(settings=settings)


def test_a_part_that_the_method_is_to_leave_out_stays_dense():
    method = methods.Magnitude(0.5, settings={"b1/c": None})
    both = [
        tfprune.decide(tfprune.prune(model_recipes.blocks(), method, wrap=wrap))
        for wrap in (False, True)
    ]
    for model in both:
        found = {name.split("/")[0]: x for name, x in shares(model).items()}
        assert found == {"b2": 0.5, "logits": pytest.approx(0.5, abs=0.03)}
