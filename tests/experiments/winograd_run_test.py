"""Configs of the Winograd domain, from small files on."""

import importlib

import pytest

from tests.experiments import runs
from tfprune.exporters import npz

data_dir = runs.data_dir

pytestmark = pytest.mark.filterwarnings("ignore:.*skips these")


@pytest.mark.parametrize(
    ("name", "layers", "kind"),
    (
        ("lenet5_winograd", {"conv1", "conv2"}, "WinogradConv2D"),
        ("lenet5_native_winograd", {"conv1", "conv2"}, "WinogradConv2D"),
        (
            "vgg_mnist_winograd",
            {"conv1_1", "conv1_2", "conv2_1", "conv2_2"},
            "WinogradConv2D",
        ),
        pytest.param(
            "vgg_mnist_l1_winograd",
            {"conv1_1", "conv1_2", "conv2_1", "conv2_2"},
            "Conv2D",
            marks=pytest.mark.slow,
        ),
    ),
)
def test_run(name, layers, kind, data_dir, tmp_path):
    config = importlib.import_module(f"configs.{name}").get_config()
    config.seeds, config.processes = (3,), 1
    config.data.data_dir = data_dir
    config.batch_size, config.steps_per_execution = 16, 1
    config.log_every = config.checkpoint_every = 2
    for stage in config.stages:
        config[stage].steps = min(config[stage].steps, 2)
    (seed,) = runs.run(config, tmp_path)["seeds"]
    assert set(seed["winograd_sparsity"]) == layers
    model = npz.load(tmp_path / "model.npz")
    last = model.get_layer(max(layers))
    assert type(last).__name__ == kind
