"""Configs of filters and of force, from small files of the real formats on."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from configs import resnet20_force
from configs import resnet50_filter_ranking
from configs import resnet56_ssl
from configs import vgg16_filter_ranking
from experiments import training
from experiments import workdir
from experiments.datasets import cifar10
from tfprune import applications
from tfprune.applications import cifar
from tfprune.exporters import npz

pytestmark = pytest.mark.filterwarnings("ignore:.*skips these layers")

SIDE, CLASSES = 16, 3


@pytest.fixture
def records(tmp_path):
    """Six files of CIFAR-10, of four records each."""
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    for number, name in enumerate((*cifar10.TRAIN, cifar10.TEST)):
        random = np.random.default_rng(number)
        rows = random.integers(0, 256, (4, 3073), np.uint8)
        rows[:, 0] = np.arange(4)
        (folder / name).write_bytes(rows.tobytes())
    return folder


@pytest.fixture
def jpegs(tmp_path):
    """Folders as those of ImageNet, of three classes."""
    root, random = tmp_path / "imagenet", np.random.default_rng(0)
    for split in ("train", "val"):
        for label in range(CLASSES):
            folder = root / split / f"n{label:08}"
            folder.mkdir(parents=True)
            for number in range(3):
                pixels = random.integers(0, 256, (20, 24, 3), np.uint8)
                data = tf.io.encode_jpeg(pixels).numpy()
                (folder / f"{number}.JPEG").write_bytes(data)
    return root


def plain(side, seed):
    """Two convolutions of 8 filters, with normalizations."""
    keras.utils.set_random_seed(seed)
    net = [keras.Input((side, side, 3)), keras.layers.Rescaling(1 / 128)]
    for number in (1, 2):
        net += [
            keras.layers.Conv2D(8, 3, 2, name=f"conv{number}"),
            keras.layers.BatchNormalization(name=f"norm{number}"),
            keras.layers.ReLU(),
        ]
    net += [keras.layers.Flatten(), keras.layers.Dense(10, name="logits")]
    return keras.Sequential(net)


def resnet8(seed):
    return cifar.resnet("small", 1, seed)


def run(config, data_dir, net, path, monkeypatch):
    """Runs a config on a small net, two steps of each stage.

    Returns:
        The nets before the filters or ranks go, and at the end.
    """
    monkeypatch.setitem(applications.MODELS, "small", net)
    config.model, config.seeds = "small", (0,)
    config.batch_size, config.jit_compile = 4, False
    config.log_every = config.checkpoint_every = 2
    config.steps_per_execution = 1
    config.data.data_dir = str(data_dir)
    for name in config.stages:
        config[name].steps = min(config[name].steps, 2)
    workdir.create(path, config, "python scripts/train.py")
    training.run(config, path)
    dense = npz.load(path / "seeds/0/dense.npz")
    return dense, npz.load(path / "model.npz")


def ranked(config):
    config.ranking.method.update(stages=1, batches=1)
    return config


def test_filters_of_vgg16(records, tmp_path, monkeypatch):
    config = ranked(vgg16_filter_ranking.get_config())
    net = functools.partial(plain, 32)
    dense, small = run(config, records, net, tmp_path / "run", monkeypatch)
    filters = [
        x.get_layer(f"conv{i}").filters for x in (dense, small) for i in (1, 2)
    ]
    assert sum(filters[:2]) == 16 and sum(filters[2:]) == 11


def test_filters_of_resnet50(jpegs, tmp_path, monkeypatch):
    config = ranked(resnet50_filter_ranking.get_config())
    config.data.update(classes=CLASSES, size=20, crop=SIDE)
    net = functools.partial(plain, SIDE)
    dense, small = run(config, jpegs, net, tmp_path / "run", monkeypatch)
    assert small.count_params() < dense.count_params()


def test_layers_of_resnet56(records, tmp_path, monkeypatch):
    config = resnet56_ssl.get_config()
    config.ssl.method.update(begin_step=0, layers=100.0)
    dense, small = run(config, records, resnet8, tmp_path / "run", monkeypatch)
    inner = [f"stage{stage}_block1_1_conv" for stage in (1, 2, 3)]
    assert [dense.get_layer(x).filters for x in inner] == [16, 32, 64]
    assert [small.get_layer(x).filters for x in inner] == [1, 1, 1]


def test_ranks_of_resnet20(records, tmp_path, monkeypatch):
    config = resnet20_force.get_config()
    (pattern,) = config.finetune.factorize.energy
    config.finetune.factorize.energy[pattern] = 0.3
    dense, small = run(config, records, resnet8, tmp_path / "run", monkeypatch)
    low_rank = {x.name for x in small.layers if x.name.endswith("_lowrank")}
    assert "stage3_block1_2_conv_lowrank" in low_rank
    assert not [x for x in low_rank if "stem" in x or "shortcut" in x]
    assert small.count_params() < dense.count_params()
