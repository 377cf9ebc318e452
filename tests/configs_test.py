"""Every config names what is there: nets, data, changes, methods, solvers."""

import importlib.util
import pathlib

import pytest

from tfprune import methods
from tfprune.experiments import datasets
from tfprune.experiments import models
from tfprune.experiments import solvers
from tfprune.experiments import training
from tfprune.experiments.datasets import augmentation

FILES = sorted((pathlib.Path(__file__).parents[1] / "configs").glob("*.py"))


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
    assert config.model in models.MODELS
    assert config.data.name in datasets.DATASETS
    assert config.get("augment", "") in ("", *augmentation.AUGMENTATIONS)
    for name in config.stages:
        stage = config[name].to_dict()
        assert stage.get("change", "none") in training.CHANGES
        assert stage["steps"] >= 0
        solvers.build(stage["optimizer"].pop("name"), **stage["optimizer"])
        if "method" in stage:
            methods.build(stage["method"].pop("name"), **stage["method"])
