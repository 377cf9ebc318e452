"""Latency: read off measured times, right for every net; no time is tested."""

import keras
import numpy as np
import pytest

import tfprune
from tests.search import nets
from tfprune import ops
from tfprune.compress.sparse import density_times
from tfprune.ops import library
from tfprune.planning import cost_models
from tfprune.planning import latency
from tfprune.profiling import timer
from tfprune.search import problem as problem_lib

compiled = pytest.mark.skipif(library.load().ops is None, reason=ops.describe())
DENSE = {"conv": 4.0, "hidden": 2.0, "out": 1.0}
SPARSE = {"conv": 10.0, "hidden": 4.0, "out": 1.0}  # Times the density.
WHOLE = 9.0


@pytest.fixture
def times(monkeypatch):
    """Times in the place of measured ones, and what was asked for."""
    asked = []

    def of_layers(candidates, shape, rounds):
        layer = candidates["dense"]
        asked.append((layer.name, shape))
        for density, twin in candidates.items():
            if density != "dense":
                assert type(twin).__name__.startswith("Sparse")
        return {
            density: DENSE[layer.name]
            if density == "dense"
            else SPARSE[layer.name] * density
            for density in candidates
        }

    monkeypatch.setattr(timer, "layers", of_layers)
    monkeypatch.setattr(
        timer, "models", lambda models, *_: dict.fromkeys(models, WHOLE)
    )
    return asked


def expected(densities):
    total = WHOLE - sum(DENSE.values())
    grid = [*density_times.DENSITIES, 1.0]
    for name, density in zip(DENSE, densities, strict=True):
        own = [min(DENSE[name], SPARSE[name] * d) for d in grid[:-1]]
        total += np.interp(density, grid, [*own, DENSE[name]])
    return total


@compiled
@pytest.mark.parametrize("wrap", [False, True])
def test_equals_times_by_hand(times, wrap):
    model = nets.pruned(wrap=wrap)
    problem = problem_lib.Problem(model, nets.data(), 1.0, objective="latency")
    assert problem.objective.dense == WHOLE and problem.objective.unit == "ms"
    assert times == [
        ("conv", (1, 6, 6, 2)),
        ("hidden", (1, 64)),
        ("out", (1, 8)),
    ]
    for candidate in ([-1.0, 0.0, 0.5], [2.0, 2.0, 2.0]):
        (counts,) = problem.measure([candidate])[1]
        densities = counts[::2] / [72, 512, 32]
        (outcome,) = problem.evaluate([candidate])
        assert outcome.cost == pytest.approx(expected(densities))
        assert outcome.value == pytest.approx(outcome.cost / WHOLE)


def test_fewer_weights_never_take_longer():
    """Whatever a clock has shown."""
    times = {0.1: 3.0, 0.5: 2.0, 1.0: 2.5}
    objective = latency.WeightLatency([(0, 10)], [times], rest=1.0)
    found = objective(np.arange(11)[:, None])
    assert (np.diff(found) >= 0).all() and found[-1] == objective.dense == 4.0


def test_layers_without_a_sparse_one_are_in_the_rest(times):
    x = keras.Input((6, 6, 2))
    y = keras.layers.Conv2DTranspose(3, 3, name="up")(x)
    y = keras.layers.Dense(3, name="out")(keras.layers.Flatten()(y))
    model = tfprune.prune(keras.Model(x, y), "surgery")
    found = cost_models.of_weights("latency", model, nets.targets(model))
    assert {name for name, _ in times} == {"out"} and found.dense == WHOLE


def test_equal_layers_are_measured_once(times, monkeypatch):
    monkeypatch.setitem(DENSE, "a", 1.0)
    monkeypatch.setitem(SPARSE, "a", 1.0)
    layers = [keras.layers.Dense(8, name=name) for name in "ab"]
    model = tfprune.prune(
        keras.Sequential([keras.Input((8,)), *layers]), "surgery"
    )
    found = cost_models.of_weights("latency", model, nets.targets(model))
    assert found.dense == WHOLE
    assert [name for name, _ in times] == ["a"]


@compiled
def test_a_budget_of_time(times):
    plan = tfprune.plan_budget(nets.dense(), "surgery", "latency<=4ms")
    sparsity = plan.sparsities["conv"]
    sizes = np.array([72, 512, 32])
    densities = np.ceil(sizes * (1 - sparsity)) / sizes
    assert 3.5 < expected(densities) <= 4.0
    assert " of 9 ms, 4 allowed, " in str(plan)


@compiled
def test_a_budget_that_no_net_meets(times):
    with pytest.raises(
        ValueError, match=r"is 0.5 ms of 9. The least .* 2.\d+, .*99.9%"
    ):
        tfprune.prune(nets.dense(), "surgery", budget="latency<=500us")


def test_real_times_are_positive():
    """With whatever this machine has: compiled ops or none."""
    model = nets.pruned()
    found = cost_models.of_weights("latency", model, nets.targets(model))
    sizes = np.array([[72, 4, 512, 8, 32, 4]])
    assert 0 < found(0 * sizes)[0] <= found(sizes)[0] == found.dense
