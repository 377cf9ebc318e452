"""Every config names what is there: nets, data, changes, methods, solvers.

And layers, where it has settings of their own.
"""

import functools
import importlib.util
import pathlib

import pytest

from experiments import datasets
from experiments import solvers
from experiments import stages
from experiments.datasets import augmentation
from tfprune import applications
from tfprune import methods
from tfprune.utils import layer_names

FILES = sorted((pathlib.Path(__file__).parents[1] / "configs").glob("*.py"))


@functools.cache
def layers(model):
    return [x.name for x in applications.build(model).layers if x.weights]


def by_layer(stage):
    """Returns what a stage says of layers by their names."""
    method = stage.get("method", {})
    fields = [method.get("settings"), method.get("force_mult")]
    fields.append(stage.get("factorize", {}).get("energy"))
    return [field for field in fields if field]


@pytest.mark.parametrize(
    "path", [x for x in FILES if x.stem != "common"], ids=lambda x: x.stem
)
def test_config(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    config = module.get_config()
    assert config.name == path.stem
    assert f"--config=configs/{path.name}" in module.__doc__
    assert config.model in applications.MODELS
    assert config.data.name in datasets.DATASETS
    assert config.get("augment", "") in ("", *augmentation.AUGMENTATIONS)
    for name in config.stages:
        stage = config[name].to_dict()
        assert stage.get("change", "none") in stages.CHANGES
        assert stage["steps"] >= 0
        solvers.build(stage["optimizer"].pop("name"), **stage["optimizer"])
        for patterns in by_layer(stage):
            layer_names.resolve("settings", patterns, layers(config.model))
        if "method" in stage:
            methods.build(stage["method"].pop("name"), **stage["method"])
