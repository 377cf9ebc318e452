"""What is fast in a step, equal to the last bit to what is not."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune.core import selection
from tfprune.methods import surgery
from tfprune.ops import library
from tfprune.optimizers import masked_values


def trained(**method):
    """All values of a net that surgery prunes in a few steps."""
    keras.utils.set_random_seed(0)
    dense = [layers.Dense(24, name="a"), layers.Dense(4, name="b")]
    model = keras.Sequential([keras.Input((16,)), *dense])
    tfprune.prune(model, tfprune.methods.Surgery(**method))
    model.compile(tfprune.PruningOptimizer(keras.optimizers.SGD(0.1)), "mse")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(48, 16)), rng.normal(size=(48, 4))
    model.fit(x, y, 8, 2, verbose=0)
    assert 0.2 < np.mean(model.layers[0].kernel != 0) < 0.8
    return [variable.numpy() for variable in model.variables]


METHODS = {
    "each step": {"c": 0.5, "gamma": 0.0},
    "random steps": {"c": 0.5, "gamma": 1.0},
}


def same(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())
def test_deciding_and_masking_in_one_pass(method, monkeypatch):
    write, calls = masked_values.write_within, []

    def counted(*arguments):
        calls.append(arguments)
        write(*arguments)

    monkeypatch.setattr(masked_values, "write_within", counted)
    found = trained(**method)
    assert bool(calls) == (library.load().ops is not None)
    monkeypatch.setattr(
        masked_values, "decides_in_one_pass", lambda group: False
    )
    calls.clear()
    same(found, trained(**method))
    assert not calls


class Stubborn(surgery.SurgeryPruner):
    """Keeps everything."""

    def update_masks(self, state, weights, masks, due, step, settings):
        return masks


class Undecided(selection.Hysteresis):
    """So does this."""

    def by_magnitude(self, weights, kept, lower, upper):
        return kept


CHANGES = {
    "update_masks": lambda rule: Stubborn(**rule),
    "selection": lambda rule: surgery.SurgeryPruner(
        **{**rule, "selection": Undecided()}
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_what_a_subclass_decides_counts(change):
    rule = tfprune.methods.Surgery(c=0.5, gamma=0.0).pruner
    fields = {x.name: getattr(rule, x.name) for x in dataclasses.fields(rule)}
    method = tfprune.methods.Method("own", change(fields))
    model = keras.Sequential([keras.Input((4,)), layers.Dense(8)])
    tfprune.prune(model, method)
    model.compile(tfprune.PruningOptimizer("sgd"), "mse")
    model.fit(np.ones((16, 4)), np.ones((16, 8)), 8, verbose=0)
    assert np.all(model.layers[0].kernel != 0)


@pytest.mark.parametrize("large", [100, 10**9])
def test_small_weights_that_are_moved(large, monkeypatch):
    found = trained(c=0.5)
    monkeypatch.setattr(masked_values, "LARGE", large)
    same(found, trained(c=0.5))
