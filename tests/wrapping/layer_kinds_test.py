"""Every kind of layer and model trains, is saved, goes on and is stripped."""

import keras
import numpy as np
import pytest

import tfprune
from tests.wrapping import layer_kinds
from tests.wrapping import layer_recipes
from tests.wrapping import model_recipes

pytestmark = pytest.mark.filterwarnings("ignore:.*skips these layers")


def recipes(names):
    return [
        pytest.param(
            name,
            marks=[pytest.mark.slow] * layer_kinds.RECIPES[name].is_slow,
        )
        for name in names
    ]


def build(name):
    if name in model_recipes.BACKBONES:
        pytest.importorskip("keras_hub")
    return layer_kinds.RECIPES[name].build()


def test_every_layer_that_builds_is_known():
    """A new one gets a recipe, or a reason why it has nothing to prune."""
    known = {*layer_recipes.RECIPES, *layer_recipes.WITHOUT_KERNEL}
    assert sorted(layer_kinds.kinds().keys() - known) == []


@pytest.mark.parametrize("name", recipes(layer_kinds.RECIPES))
def test_each_kind(name):
    build(name)
    rows = [layer_kinds.prune(name, way) for way in layer_kinds.WAYS]
    for row in rows:
        assert set(row.results.values()) in ({"yes"}, {"-"}), row.results
    in_place, wrapped = rows
    assert in_place.share >= layer_kinds.RECIPES[name].share
    if wrapped.predicted is not None:
        pairs = (
            keras.tree.flatten(in_place.predicted),
            keras.tree.flatten(wrapped.predicted),
        )
        for one, other in zip(*pairs, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("name", recipes(model_recipes.RECIPES))
def test_models_keep_all_that_they_have(name):
    model = build(name)
    # Until `strip` it has another optimizer, and does not quantize.
    others = ("optimizer", "quantize")
    before = {k: v for k, v in vars(model).items() if k not in others}
    layers = {x.name: x for x in model.layers}
    pruned = tfprune.prune(model, "magnitude")
    assert pruned is model
    for key, value in before.items():
        assert vars(model)[key] is value, key
    for layer_name, layer in layers.items():
        assert model.get_layer(layer_name) is layer
