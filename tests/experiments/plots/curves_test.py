import importlib
import math

import pytest

from experiments.plots import curves
from experiments.plots import timeline


def _records():
    return [
        {
            "seed": seed,
            "stage": stage,
            "step": step,
            "accuracy": 0.9,
            "sparsity": sparsity,
            "layers": {"conv1": sparsity, "ip1": sparsity},
        }
        for seed in (0, 1)
        for stage, sparsity in (("train", 0.0), ("prune", 0.9))
        for step in (100, 200)
    ]


def _report():
    layer = {"parameters": 10, "parameters_kept": 5, "weights": 8}
    bare = {"name": "bn", "parameters": 2, "parameters_kept": 2, "weights": 0}
    ip = {"name": "ip", "weight_sparsity": 0.5, **layer}
    return {"title": "net", "layers": [ip, bare]}


def test_accuracy_and_sparsity_writes_an_image(tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "log.png"
    curves.accuracy_and_sparsity(_records(), path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_sparsity_per_layer_writes_an_image(tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "layers.png"
    curves.sparsity_per_layer(_report(), path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_steps_of_a_stage_follow_those_before():
    run, _ = timeline.by_seed(_records())
    assert timeline._steps(run) == [100, 200, 300, 400]
    assert timeline._stages(run) == [(0, "train"), (200, "prune")]


def test_labels_keep_their_distance_and_stay_inside():
    heights = timeline._apart([0.2, 0.97, 0.98, 0.99], 0.05)
    assert all(map(math.isclose, heights, [0.2, 0.9, 0.95, 1.0]))


def test_nothing_to_draw_is_refused(tmp_path):
    with pytest.raises(ValueError, match="records"):
        curves.accuracy_and_sparsity([], tmp_path / "log.png")
    with pytest.raises(ValueError, match="report"):
        curves.sparsity_per_layer({"layers": []}, tmp_path / "layers.png")


def test_without_matplotlib_the_extra_is_named(tmp_path, monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ImportError, match=r"tfprune\[plots\]"):
        curves.sparsity_per_layer(_report(), tmp_path / "layers.png")
