"""Runs: stages, resuming, and what a killed process leaves behind."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import types

import keras
import numpy as np
import pytest

from benchmarks.harness import inprocess
from benchmarks.suites import runs as runs_suite
from experiments import checkpoints
from experiments import datasets
from experiments import evaluation
from experiments import stages
from experiments import workdir
from tests.experiments import runs
from tfprune import applications
from tfprune.core import units

ROOT = pathlib.Path(__file__).resolve().parents[2]
data_dir = runs.data_dir


@pytest.fixture(scope="module")
def whole(tmp_path_factory, data_dir):
    """A run that nothing interrupts."""
    path = tmp_path_factory.mktemp("whole")
    runs.run(runs.config_of(data_dir), path)
    return path


@pytest.mark.parametrize(
    ("stage", "step"), [(0, 3), (0, 5), (1, 2), (1, 9), (1, 11), (2, 5)]
)
def test_killed_and_resumed_is_no_interruption(
    tmp_path, data_dir, whole, monkeypatch, stage, step
):
    config = runs.config_of(data_dir)
    with monkeypatch.context() as patch:
        runs.kill_at(patch, stage, step)
        with pytest.raises(runs.Killed):
            runs.run(config, tmp_path / "killed")
    runs.run(config, tmp_path / "killed")
    runs.assert_same(whole, tmp_path / "killed")


def test_a_run_that_is_finished_does_nothing_more(data_dir, whole):
    first = json.loads((whole / "summary.json").read_text())
    before = runs.state(whole)
    assert runs.run(runs.config_of(data_dir), whole) == first
    for a, b in zip(before, runs.state(whole), strict=True):
        np.testing.assert_array_equal(a, b)


def test_each_stage_logs_its_own_steps_and_pruning_counts_on(whole):
    lines = workdir.read_metrics(whole / "seeds/3/metrics.jsonl")
    trained = [line for line in lines if "loss" in line]
    assert [x["step"] for x in trained if x["stage"] == "surgery"] == [
        *range(2, 15, 2)
    ]
    model = checkpoints.load(whole / "seeds/3/checkpoint.npz").model
    for unit in units.tagged(model.variables):
        assert unit.frozen
        assert int(unit.updates) == 14 + 6


def test_seeds_in_processes_equal_seeds_in_turn(tmp_path, data_dir):
    arguments = {"seeds": (3, 4), "stages": ("train",)}
    config = runs.config_of(data_dir, **arguments)
    turn = runs.run(config, tmp_path / "turn")
    config = runs.config_of(data_dir, processes=2, **arguments)
    both = runs.run(config, tmp_path / "both")
    assert turn["seeds"] == both["seeds"]
    assert turn["seeds"][0] != turn["seeds"][1]


def test_a_stage_that_changes_shapes_resumes(tmp_path, data_dir, monkeypatch):
    def cut(model, stage, splits):
        """Half of the hidden units of a plain net."""
        layers = [
            keras.layers.Flatten(),
            keras.layers.Dense(150, "relu"),
            keras.layers.Dense(10),
        ]
        return keras.Sequential([keras.Input((28, 28, 1)), *layers])

    monkeypatch.setitem(stages.CHANGES, "cut", cut)
    solver = runs.config_of(data_dir).train.optimizer
    changes = {
        "stages": ("train", "small"),
        "small": {"change": "cut", "steps": 10, "optimizer": solver},
    }
    config = runs.config_of(data_dir, **changes)
    runs.run(config, tmp_path / "whole")
    with monkeypatch.context() as patch:
        runs.kill_at(patch, 1, 7)
        with pytest.raises(runs.Killed):
            runs.run(config, tmp_path / "killed")
    runs.run(config, tmp_path / "killed")
    runs.assert_same(tmp_path / "whole", tmp_path / "killed")
    assert runs.state(tmp_path / "killed")[0].shape == (784, 150)


def test_a_run_that_ends_in_a_smaller_net(tmp_path, data_dir, monkeypatch):
    method = {"name": "ssl", "filters": 0.25, "settings": {"ip3": None}}
    solver = runs.config_of(data_dir).train.optimizer
    changes = {
        "stages": ("train", "ssl", "slim"),
        "ssl": {
            "change": "prune",
            "method": method,
            "steps": 14,
            "optimizer": solver,
        },
        "slim": {"change": "slim", "steps": 4, "optimizer": solver},
    }
    outcome = runs.run(runs.config_of(data_dir, **changes), tmp_path)
    (seed,) = outcome["seeds"]
    model = checkpoints.load(tmp_path / "seeds/3/checkpoint.npz").model
    assert 1 <= model.get_layer("ip1").units < 300
    assert seed["dense_parameters"] == 266610
    assert seed["parameters"] == model.count_params() < 266610
    share = seed["file_bytes"] / seed["dense_file_bytes"]
    assert share == pytest.approx(model.count_params() / 266610, abs=0.05)
    kernels = [w.numpy() for w in model.weights if w.name == "kernel"]
    assert seed["macs_kept"] == sum(map(np.count_nonzero, kernels))
    assert f"{share:.1%} of the bytes" in evaluation.describe(outcome, tmp_path)
    # The number of threads is settled once in a process.
    monkeypatch.setattr(inprocess, "set_threads", lambda count: None)
    *_, first, second, third, whole = (
        runs_suite.run_by_layer(tmp_path, 2, 1, rounds=2).strip().splitlines()
    )
    units = model.get_layer("ip1").units
    assert first.startswith(f"| ip1 | 784x{units} | ")
    assert second.startswith(f"| ip2 | {units}x100 | ")
    assert third.startswith("| ip3 | 100x10 | ")
    assert whole.startswith("| whole model | ") and whole.count("x |") == 2


@pytest.mark.parametrize("name", ["net.keras", "net.weights.h5"])
def test_init_starts_from_a_file(tmp_path, data_dir, name):
    from tfprune import applications

    source = applications.build("lenet_300_100", seed=77)
    source.save_weights(tmp_path / name) if "weights" in name else source.save(
        tmp_path / name
    )
    config = runs.config_of(data_dir, stages=("nothing",))
    config.nothing = {"steps": 0, "optimizer": config.train.optimizer}
    runs.run(config, tmp_path / "run", init=str(tmp_path / name))
    from tfprune.exporters import npz

    model = npz.load(tmp_path / "run/model.npz")
    for one, other in zip(source.weights, model.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_kill_9_loses_at_most_one_interval(tmp_path, data_dir):
    """The real signal, sent to the real script at a random moment."""
    command = [
        sys.executable,
        str(ROOT / "scripts/train.py"),
        f"--config={ROOT}/configs/lenet300_surgery.py",
        f"--workdir={tmp_path}/run",
        f"--config.data.data_dir={data_dir}",
        "--config.seeds=3,",
        "--config.jit_compile=False",
        "--config.steps_per_execution=1",
        "--config.log_every=10",
        "--config.checkpoint_every=10",
        "--config.train.steps=400000",
    ]
    log = tmp_path / "run/seeds/3/metrics.jsonl"
    steps = []
    for _ in range(2):
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        begin = log.stat().st_size if log.exists() else 0
        deadline = time.time() + 120
        while not log.exists() or log.stat().st_size < begin + 2000:
            assert time.time() < deadline and process.poll() is None
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        found = checkpoints.load(tmp_path / "run/seeds/3/checkpoint.npz")
        last = workdir.read_metrics(log)[-1]["step"]
        assert last - found.progress["step"] <= 10
        steps.append(found.progress["step"])
    assert steps[1] > steps[0]
    every = [line["step"] for line in workdir.read_metrics(log)]
    assert every == sorted(set(every))


def test_a_second_process_is_refused(tmp_path):
    tmp_path.joinpath("run").mkdir()
    with workdir.locked(tmp_path / "run"):
        with pytest.raises(ValueError, match="another process trains in"):
            with workdir.locked(tmp_path / "run"):
                pass
    with workdir.locked(tmp_path / "run"):
        pass


def test_another_config_is_refused(tmp_path, data_dir):
    workdir.create(tmp_path / "run", runs.config_of(data_dir), "")
    workdir.create(tmp_path / "run", runs.config_of(data_dir, seeds=(3, 4)), "")
    changed = runs.config_of(data_dir)
    changed.surgery.method.settings.ip1.c = 2.0
    with pytest.raises(ValueError, match=r"surgery.method.settings.ip1.c\."):
        workdir.create(tmp_path / "run", changed, "")


def test_unwritable_workdir(tmp_path, data_dir):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="`workdir` must be a folder that can"):
        workdir.create(tmp_path / "file" / "run", runs.config_of(data_dir), "")


def test_change_to_the_winograd_domain(data_dir):
    stage = {"change": "winograd", "filters": "conv2", "examples": 50}
    splits = datasets.load(runs.config_of(data_dir).data)
    changed = stages.change(applications.build("lenet_5", 0), stage, splits)
    assert type(changed.get_layer("conv2")).__name__ == "WinogradConv2D"
    assert type(changed.get_layer("conv1")).__name__ == "Conv2D"
    balance = np.array(changed.get_layer("conv2").balance)
    assert np.std(balance[0, 0]) > 0


def test_streams_have_no_examples_to_show():
    stage = {"change": "winograd", "examples": 50}
    splits = types.SimpleNamespace(train=object())
    with pytest.raises(ValueError, match="where images are streamed"):
        stages.change(applications.build("lenet_5", 0), stage, splits)


def test_unknown_change(tmp_path, data_dir):
    config = runs.config_of(data_dir)
    config.finetune.change = "freze"
    with pytest.raises(ValueError, match="Did you mean 'freeze'"):
        stages.change(None, config.finetune, None)


def test_evaluate_needs_a_finished_run(tmp_path, data_dir):
    workdir.create(tmp_path / "run", runs.config_of(data_dir), "")
    with pytest.raises(ValueError, match="must hold a finished run"):
        evaluation.evaluate(tmp_path / "run", None)


def test_the_median_seed_is_published(tmp_path, data_dir):
    config = runs.config_of(data_dir, seeds=(3, 4, 5), stages=("train",))
    outcome = runs.run(config, tmp_path / "run")
    found = sorted(seed["test_accuracy"] for seed in outcome["seeds"])
    assert outcome["median"]["test_accuracy"] == found[1]
    folder = tmp_path / f"run/seeds/{outcome['median_seed']}"
    for name in ("model.npz", "report.json"):
        published = (tmp_path / "run" / name).read_bytes()
        assert published == (folder / name).read_bytes()
    shutil.rmtree(folder)
    assert json.loads((tmp_path / "run/summary.json").read_text()) == outcome
