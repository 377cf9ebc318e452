"""GuidedGate: what stands past its bounds is left alone, or restored."""

import json
import logging

import keras
import numpy as np
import pytest

import tfprune
from tfprune import callbacks
from tfprune import methods
from tfprune.graph import leaves
from tfprune.graph import pruned as units
from tfprune.profiling import roofline

both_ways = pytest.mark.parametrize("wrap", [False, True])

# Useful: about 40 % to 70 % of the first layer, of the second one nothing.
MACHINE = roofline.MachineProfile(1e9, 1e9, slowdown=1.0, overhead=1.67)


def net():
    keras.utils.set_random_seed(1)
    layers = [
        keras.layers.Dense(40, name="a"),
        keras.layers.Dense(4, name="b"),
    ]
    return keras.Sequential([keras.Input((30,)), *layers])


def fit(model, steps, *callbacks, **compile):
    random = np.random.default_rng(0)
    x = random.normal(size=(4 * steps, 30)).astype("float32")
    y = random.normal(size=(4 * steps, 4)).astype("float32")
    model.compile(
        tfprune.PruningOptimizer(keras.optimizers.SGD(0.0)), "mse", **compile
    )
    model.fit(x, y, 4, shuffle=False, verbose=0, callbacks=list(callbacks))
    return model


def pruned(threshold=0.0, wrap=False):
    method = methods.Guided(0.0, threshold=threshold, factor=2.0)
    return tfprune.prune(net(), method, wrap=wrap)


def at(dense, sparsity):
    """A threshold that gives a layer at rest such a sparsity."""
    values = np.abs(dense.get_layer("a").kernel.numpy())
    return float(np.quantile(values, sparsity)) / 2


def unit(model, name="a"):
    return units.units(model)[name]


def zeros(model):
    return float(np.mean(~unit(model).targets[0].mask.numpy()))


def driver(dense, **arguments):
    arguments = {"interval": 1, "patience": 2, **arguments}
    return callbacks.GuidedGate(dense, MACHINE, **arguments)


def decided(gate):
    return [(x["step"], x["layer"], x["decision"]) for x in gate.decisions]


def test_the_bounds_of_this_test():
    row = tfprune.profiling.project(net(), MACHINE)["a"]
    assert row.worth and 0.3 < row.lower < 0.5 and row.upper > 0.9


@both_ways
def test_what_settles_below_the_lower_bound_is_restored(tmp_path, caplog, wrap):
    caplog.set_level(logging.INFO, "tfprune")
    dense = net()
    model = pruned(at(dense, 0.2), wrap)
    gate = driver(dense, trace=tmp_path / "gate.jsonl")
    leaves.addresses(model)["a"].bias.assign(np.ones(40))
    fit(model, 2, gate)
    assert 0.15 < zeros(model) < 0.25 and not gate.decisions
    fit(model, 1, gate)
    # The first look saw it grow; the second and the third did not.
    assert (3, "a", "restored") in decided(gate)
    assert zeros(model) == 0 and unit(model).settings["active"] == 0
    layer = leaves.addresses(model)["a"]
    for one, other in zip(
        layer.weights, dense.get_layer("a").weights, strict=True
    ):
        np.testing.assert_array_equal(one, other)
    fit(model, 1)
    np.testing.assert_array_equal(layer.kernel, dense.get_layer("a").kernel)
    lines = (tmp_path / "gate.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == gate.decisions
    assert "a restored at 20" in caplog.text


def test_what_is_between_its_bounds_is_let_be():
    dense = net()
    gate = driver(dense)
    model = fit(pruned(at(dense, 0.7)), 6, gate)
    assert 0.65 < zeros(model) < 0.75
    assert not [x for x in gate.decisions if x["layer"] == "a"]
    assert unit(model).settings["active"] == 1


def test_what_is_past_the_upper_bound_is_pruned_no_further():
    dense = net()
    gate = driver(dense)
    model = fit(pruned(at(dense, 1.0)), 1, gate)
    assert (1, "a", "enough") in decided(gate)
    before = unit(model).targets[0].mask.numpy()
    own = tfprune.settings(model)["a"]
    own["threshold"], own["decay"] = 10.0, 10.0
    fit(model, 3, gate)
    after = unit(model).targets[0].mask.numpy()
    np.testing.assert_array_equal(before, after)


@both_ways
def test_a_resumed_run_decides_at_the_same_step(tmp_path, wrap):
    dense = net()
    gate = driver(dense, patience=4)
    model = fit(pruned(at(dense, 0.2), wrap), 3, gate)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    fresh = driver(dense, patience=4)
    fit(again, 2, fresh)
    assert (5, "a", "restored") in decided(fresh)


def test_frozen_layers_are_not_touched():
    dense = net()
    model = fit(pruned(at(dense, 0.2)), 1)
    gate = driver(dense)
    fit(tfprune.freeze(model), 6, gate)
    assert not gate.decisions and 0.15 < zeros(model) < 0.25


def test_wrong_uses():
    dense = net()
    plain = tfprune.prune(net(), methods.Magnitude(0.5))
    with pytest.raises(ValueError, match="must be pruned by Guided"):
        fit(plain, 1, driver(dense))
    with pytest.raises(ValueError, match="`steps_per_execution` must divide"):
        fit(pruned(), 1, driver(dense), steps_per_execution=2)
    with pytest.raises(ValueError, match="`patience` must be an integer"):
        driver(dense, patience=0)
    other = keras.Sequential(
        [keras.Input((30,)), keras.layers.Dense(4, name="c")]
    )
    with pytest.raises(ValueError, match="`dense` must be one of: c"):
        fit(pruned(), 1, driver(other))
    with pytest.raises(ValueError, match="a copy that is not pruned"):
        driver(plain)
