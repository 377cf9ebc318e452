"""Short runs on little data, whole or killed."""

import ml_collections
import numpy as np
import pytest

from experiments import checkpoints
from experiments import loop
from experiments import training
from experiments import workdir
from tfprune import backend
from tfprune.graph import pruned

SETTINGS = {"ip1": {"c": 1.0}, "ip2": {"c": 1.0}, "ip3": {"c": 0.5}}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """A small MNIST-like file: 100 examples, so that 16s do not divide."""
    folder = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(0)
    arrays = {
        "x_train": random.integers(0, 256, (100, 28, 28), np.uint8),
        "y_train": random.integers(0, 10, 100).astype(np.uint8),
        "x_test": random.integers(0, 256, (20, 28, 28), np.uint8),
        "y_test": random.integers(0, 10, 20).astype(np.uint8),
    }
    np.savez(folder / "mnist.npz", **arrays)
    return str(folder)


def config_of(data_dir, **changes):
    solver = {
        "name": "caffe_sgd",
        "learning_rate": {
            "policy": "inv",
            "base": 0.01,
            "gamma": 1e-3,
            "power": 0.75,
        },
        "momentum": 0.9,
        "weight_decay": 5e-4,
    }
    surgery = {"name": "surgery", "gamma": 0.02, "settings": SETTINGS}
    values = {
        "name": "test",
        "model": "lenet_300_100",
        "seeds": (3,),
        "processes": 1,
        "data": {"name": "mnist", "validation": 10, "data_dir": data_dir},
        "batch_size": 16,
        "jit_compile": False,
        "steps_per_execution": 1,
        "log_every": 2,
        "checkpoint_every": 4,
        "stages": ("train", "surgery", "finetune"),
        "train": {"steps": 6, "optimizer": solver},
        "surgery": {
            "change": "prune",
            "method": surgery,
            "steps": 14,
            "optimizer": solver,
        },
        "finetune": {"change": "freeze", "steps": 6, "optimizer": solver},
    }
    return ml_collections.ConfigDict({**values, **changes})


def run(config, path, **arguments):
    workdir.create(path, config, "python scripts/train.py")
    return training.run(config, path, **arguments)


def state(path):
    """All that a run has: weights, masks, statistics, settings, optimizer."""
    found = checkpoints.load(path / "seeds" / "3" / "checkpoint.npz")
    hidden = pruned.hidden_variables(found.model)
    model = [backend.to_numpy(v) for v in [*found.model.variables, *hidden]]
    return [*model, *found.optimizer, found.progress]


def assert_same(one, other):
    for a, b in zip(state(one), state(other), strict=True):
        np.testing.assert_array_equal(a, b)
    logs = [
        workdir.read_metrics(p / "seeds/3/metrics.jsonl") for p in (one, other)
    ]
    assert logs[0] == logs[1]


class Killed(Exception):
    """Stands for the end of the process."""


def kill_at(monkeypatch, stage, step):
    """Ends a run in a step, between two checkpoints."""
    original = loop.Keeper.on_train_batch_end

    def on_train_batch_end(self, batch, logs=None):
        original(self, batch, logs)
        if (self._stage, self._begin + batch + 1) == (stage, step):
            raise Killed

    monkeypatch.setattr(loop.Keeper, "on_train_batch_end", on_train_batch_end)
