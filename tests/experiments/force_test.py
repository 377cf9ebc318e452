"""An experiment that trains under force, factorises, and goes on."""

import json

import ml_collections
import numpy as np
import pytest

from experiments import workdir
from experiments.plots import rank_figures
from tests.experiments import runs as short
from tfprune.exporters import npz

data_dir = short.data_dir


def config_of(data_dir, strength):
    config = short.config_of(data_dir)
    values = config.to_dict()
    values["stages"] = ("train", "finetune")
    values["model"] = "lenet_5"
    values["rank_energy"] = 0.9
    force = {"name": "force", "force_decay": strength}
    values["train"] |= {"change": "prune", "method": force}
    values["finetune"] |= {
        "change": "factorize",
        "factorize": {"energy": {"conv2": 0.5, "ip1": 0.5}},
    }
    return ml_collections.ConfigDict(values)


@pytest.fixture(scope="module")
def runs(tmp_path_factory, data_dir):
    """Runs with and without force, from equal weights."""
    root = tmp_path_factory.mktemp("runs")
    for name, strength in (("force", 0.4), ("none", 0.0)):
        short.run(config_of(data_dir, strength), root / name)
    return root


def result(path):
    return json.loads((path / "seeds/3/result.json").read_text())


def test_the_model_is_thin_and_the_net_before_is_kept(runs):
    found = result(runs / "force")
    model = npz.load(runs / "force/model.npz")
    assert model.get_layer("conv2_lowrank").filters < 50
    assert found["macs_kept"] < found["dense_macs_kept"] == 2_293_000
    dense = npz.load(runs / "force/seeds/3/dense.npz")
    assert dense.get_layer("conv2").filters == 50
    assert 0 <= found["dense_test_accuracy"] <= 1


def test_ranks_are_logged_and_fall_under_force(runs):
    force, none = (
        [
            line["ranks"]
            for line in workdir.read_metrics(
                runs / name / "seeds/3/metrics.jsonl"
            )
            if line["stage"] == "train" and "ranks" in line
        ]
        for name in ("force", "none")
    )
    assert len(force) == len(none) == 3
    assert force[-1]["conv2"] < none[-1]["conv2"]
    before, after = (result(runs / x)["dense_ranks"] for x in ("none", "force"))
    assert after["conv2"] < before["conv2"]


def test_a_killed_run_goes_on(runs, tmp_path, data_dir, monkeypatch):
    config = config_of(data_dir, 0.4)
    with monkeypatch.context() as patch:
        short.kill_at(patch, 1, 3)
        with pytest.raises(short.Killed):
            short.run(config, tmp_path / "force")
    short.run(config, tmp_path / "force")
    one, other = (
        npz.load(path / "force/model.npz") for path in (runs, tmp_path)
    )
    for a, b in zip(one.weights, other.weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_figures(runs):
    pytest.importorskip("matplotlib")
    (runs / "force/plots").mkdir()
    rank_figures.draw([runs / "force", runs / "none"])
    for name in ("ranks.png", "spectra.png"):
        image = (runs / "force/plots" / name).read_bytes()
        assert image.startswith(b"\x89PNG")
