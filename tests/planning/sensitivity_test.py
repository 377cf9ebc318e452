"""Sensitivity: the table, its cache, and the allocation from it."""

import json

import keras
import numpy as np
import pytest

import tfprune
from experiments.plots import search_plots
from tests.search import nets
from tfprune import planning
from tfprune.planning import sensitivity as module

GRID = (0.0, 0.5, 0.9)


@pytest.fixture(scope="module")
def model():
    return nets.dense()


def by_hand(model, layer, sparsity):
    twin = keras.models.clone_model(model)
    twin.set_weights(model.get_weights())
    kernel = twin.get_layer(layer).kernel
    magnitudes = np.sort(np.abs(kernel.numpy()).ravel())
    pruned = round(sparsity * magnitudes.size)
    threshold = magnitudes[pruned - 1] if pruned else -1
    kernel.assign(kernel.numpy() * (np.abs(kernel.numpy()) > threshold))
    x, y = nets.data()
    return np.mean(np.argmax(twin(x), axis=-1) == y)


def test_equals_pruning_by_hand(model):
    before = model.get_weights()
    found = planning.measure_sensitivity(model, nets.data(), GRID)
    assert list(found.accuracies) == ["conv", "hidden", "out"]
    for name, values in found.accuracies.items():
        expected = [by_hand(model, name, s) for s in GRID]
        np.testing.assert_allclose(values, expected, atol=1e-6)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert found.sizes == {"conv": 72, "hidden": 512, "out": 32}


@pytest.mark.parametrize("wrap", [False, True])
def test_of_a_model_that_is_pruned_already(wrap):
    model = nets.pruned(wrap=wrap)
    mask = np.random.default_rng(0).uniform(size=(64, 8)) > 0.5
    tfprune.set_mask(model, "hidden", mask)
    found = planning.measure_sensitivity(model, nets.data(), (0.0, 0.5))
    now = tfprune.search.pruned_accuracy(model, nets.data())
    for values in found.accuracies.values():
        assert values[0] == pytest.approx(now)
    # What is masked now is the first to go.
    zeros = np.mean(~mask)
    found = planning.measure_sensitivity(model, nets.data(), (0.0, zeros))
    assert found.accuracies["hidden"] == pytest.approx([now, now])


def test_cache(model, tmp_path, monkeypatch):
    path = tmp_path / "sensitivity.json"
    first = planning.measure_sensitivity(model, nets.data(), GRID, cache=path)

    def fail(*args):
        raise AssertionError("measured again")

    with monkeypatch.context() as patch:
        patch.setattr(module, "_measure", fail)
        again = planning.measure_sensitivity(
            model, nets.data(), GRID, cache=path
        )
        assert again == first
        for data, grid in (
            (nets.data(seed=5), GRID),
            (nets.data(), (0.0, 0.5, 0.8)),
        ):
            with pytest.raises(AssertionError, match="measured again"):
                planning.measure_sensitivity(model, data, grid, cache=path)
    assert json.loads(path.read_text())["sparsities"] == list(GRID)


class TestAllocation:
    found = planning.Sensitivity(
        [0.0, 0.5, 0.9],
        {"tough": [0.9, 0.9, 0.88], "tender": [0.9, 0.8, 0.2]},
        {"tough": 900, "tender": 100},
    )

    @pytest.mark.parametrize("target", [0.0, 0.3, 0.5, 0.8, 0.9])
    def test_reaches_the_sparsity_wanted(self, target):
        settings = self.found.allocate(target)
        zeros = (
            900 * settings["tough"]["target_sparsity"]
            + 100 * settings["tender"]["target_sparsity"]
        )
        assert zeros == pytest.approx(1000 * target, abs=1e-6)

    def test_prunes_most_where_it_costs_least(self):
        settings = self.found.allocate(0.7)
        assert settings["tough"]["target_sparsity"] > 0.7
        assert settings["tender"]["target_sparsity"] < 0.5

    def test_equal_drops(self):
        """A drop of 0.02 is all of `tough`, and a tenth of `tender`."""
        settings = self.found.allocate((0.9 * 900 + 0.1 * 100) / 1000)
        assert settings["tough"]["target_sparsity"] == pytest.approx(0.9)
        assert settings["tender"]["target_sparsity"] == pytest.approx(0.1)

    def test_further_than_the_grid(self):
        with pytest.raises(ValueError, match="at most 0.9000"):
            self.found.allocate(0.95)

    def test_serves_as_settings(self, model):
        found = planning.measure_sensitivity(model, nets.data())
        settings = found.allocate(0.6)
        for method in (
            tfprune.methods.Magnitude(settings=settings),
            tfprune.methods.Surgery(settings=settings),
        ):
            live = tfprune.settings(tfprune.prune(nets.dense(), method))
            assert list(live) == list(settings)
            for name, own in live.items():
                expected = settings[name]["target_sparsity"]
                assert own["target_sparsity"] == pytest.approx(expected)


def test_table(model):
    text = str(planning.measure_sensitivity(model, nets.data(), GRID))
    assert text.splitlines()[0].split() == ["0.0%", "50.0%", "90.0%"]
    assert text.splitlines()[2].startswith("hidden")


@pytest.mark.parametrize("layers", [1, 3, 8])
def test_plot(tmp_path, layers):
    pytest.importorskip("matplotlib")
    names = [f"layer_{i}" for i in range(layers)]
    found = planning.Sensitivity(
        [0.0, 0.9],
        {name: [0.9, 0.1] for name in names},
        dict.fromkeys(names, 10),
    )
    search_plots.sensitivity(found, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 1000


def lines(count=30):
    random = np.random.default_rng(0)
    return [{"step": 0, "reference": 0.9}] + [
        {
            "step": i // 10,
            "candidate": [1.0],
            "accuracy": float(random.uniform()),
            "kept": int(random.integers(1, 100)),
            "value": float(random.uniform(0.01, 1.4)),
        }
        for i in range(count)
    ]


def test_plot_of_a_search(tmp_path):
    pytest.importorskip("matplotlib")
    search_plots.search(lines(), tmp_path / "search.png")
    assert (tmp_path / "search.png").stat().st_size > 1000
    with pytest.raises(ValueError, match="at least one candidate"):
        search_plots.search(lines(0), tmp_path / "search.png")


def test_pareto_front():
    tried = lines()[1:]
    front = search_plots.pareto(tried)
    for line in tried:
        beaten = any(
            other["kept"] <= line["kept"]
            and other["accuracy"] >= line["accuracy"]
            and other is not line
            for other in tried
        )
        assert (line in front) == (not beaten)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sparsities": (0.5, 0.9)}, "increasing from 0 to below 1"),
        ({"sparsities": (0.0, 0.9, 0.5)}, "increasing from 0 to below 1"),
        ({"sparsities": (0.0, 1.0)}, "increasing from 0 to below 1"),
        ({"batch_size": 100}, "`batch_size` must be at most 60"),
    ],
)
def test_bad_input(model, changes, words):
    with pytest.raises(ValueError, match=words):
        planning.measure_sensitivity(model, nets.data(), **changes)


def test_a_model_without_kernels():
    model = keras.Sequential([keras.Input((3,)), keras.layers.ReLU()])
    with pytest.raises(ValueError, match="must have layers with kernels"):
        planning.measure_sensitivity(model, nets.data())
