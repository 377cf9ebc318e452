"""Datasets by name, as splits of arrays."""

from __future__ import annotations

from experiments.datasets import cifar10
from experiments.datasets import image_folders
from experiments.datasets import imagenet
from experiments.datasets import mnist
from tfprune.utils import validation

DATASETS = {
    "cifar10": cifar10.load,
    "image_folders": image_folders.load,
    "imagenet": imagenet.load,
    "mnist": mnist.load,
}


def load(config) -> mnist.Splits:
    """Loads the dataset that a config names.

    Args:
        config: Mapping with `name`, and what the loader takes: `data_dir`
            and `validation`, for `"image_folders"` also `per_class`, `size`
            and `cache_dir`; or the arguments of `imagenet.load`.

    Raises:
        ValueError: for an unknown name.
    """
    arguments = dict(config)
    name = arguments.pop("name")
    if name not in DATASETS:
        raise ValueError(validation.unknown("data.name", name, DATASETS))
    return DATASETS[name](**arguments)
