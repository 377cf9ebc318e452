"""CaffeNet's config on a few small JPEGs: gate, pruning, freeze, plots."""

import json
import pathlib
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from experiments import training
from experiments import workdir
from experiments.plots import curves
from tfprune import applications

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from configs import caffenet_guided  # noqa: E402

CLASSES, SIZE, CROP = 3, 20, 16


def small(seed):
    """Layers of CaffeNet's names on small images."""
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((CROP, CROP, 3)),
            keras.layers.Rescaling(1 / 128),
            keras.layers.Conv2D(8, 3, name="conv1"),
            keras.layers.Conv2D(16, 3, groups=2, name="conv2"),
            keras.layers.MaxPooling2D(4),
            keras.layers.Flatten(),
            *(
                keras.layers.Dense(16, "relu", name=name)
                for name in ("fc6", "fc7")
            ),
            keras.layers.Dense(CLASSES, name="fc8"),
        ]
    )


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "imagenet"
    for split, count in (("train", 6), ("val", 2)):
        for label in range(CLASSES):
            where = root / split / f"n{label:08}"
            where.mkdir(parents=True)
            for number in range(count):
                rng = np.random.default_rng([label, number])
                pixels = rng.integers(0, 60, (22, 30, 3), np.uint8)
                pixels[..., label] += 180
                data = tf.io.encode_jpeg(pixels).numpy()
                (where / f"{number}.JPEG").write_bytes(data)
    return root


def config_of(folder):
    config = caffenet_guided.get_config()
    config.model, config.batch_size = "small", 6
    config.log_every, config.checkpoint_every = 4, 20
    config.steps_per_execution = 1
    config.data.update(
        data_dir=str(folder), classes=CLASSES, size=SIZE, crop=CROP
    )
    config.guided.gate.update(machine="atom_c2750", batch_size=1, interval=4)
    config.guided.method.update(threshold=0.002, factor=10.0)
    config.guided.steps, config.finetune.steps = 24, 8
    config.guided.optimizer.learning_rate = {"policy": "fixed", "base": 0.01}
    config.finetune.optimizer.learning_rate.update(end=8)
    return config


def test_runs_from_jpegs_to_a_compressed_net(folder, tmp_path, monkeypatch):
    monkeypatch.setitem(applications.MODELS, "small", small)
    config, path = config_of(folder), tmp_path / "run"
    workdir.create(path, config, "python scripts/train.py")
    outcome = training.run(config, path)
    assert outcome["median"]["compression"] > 1
    assert outcome["median"]["test_accuracy"] > 0.9
    records = workdir.read_metrics(path / "seeds/0/metrics.jsonl")
    found = records[-1]["layers"]
    assert "conv1" not in found and found["conv2"] > 0
    curves.accuracy_and_sparsity(records, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 10_000
    report = json.loads((path / "report.json").read_text())
    zeros = {x["name"]: x["weight_sparsity"] for x in report["layers"]}
    assert zeros["conv1"] == 0
    assert zeros["conv2"] == pytest.approx(found["conv2"], abs=1e-6)
    gate = {x["name"]: x["decision"] for x in report["projection"]["layers"]}
    assert set(gate) == {"conv1", "conv2", "fc6", "fc7", "fc8"}
    assert gate["conv2"] in ("prune", "useful", "enough")
