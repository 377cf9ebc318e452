"""Datasets by name, as splits of arrays."""

from __future__ import annotations

from tfprune.core import errors
from tfprune.experiments.datasets import cifar10
from tfprune.experiments.datasets import imagenet
from tfprune.experiments.datasets import mnist

DATASETS = {
    "cifar10": cifar10.load,
    "imagenet": imagenet.load,
    "mnist": mnist.load,
}


def load(config) -> mnist.Splits:
    """Loads the dataset that a config names.

    Args:
        config: Mapping with `name`, and what the loader takes: `data_dir`
            and `validation`, or the arguments of `imagenet.load`.

    Raises:
        ValueError: for an unknown name.
    """
    arguments = dict(config)
    name = arguments.pop("name")
    if name not in DATASETS:
        raise ValueError(errors.unknown("data.name", name, DATASETS))
    return DATASETS[name](**arguments)
