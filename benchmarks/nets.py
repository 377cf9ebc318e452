"""The nets that are measured, by name or from a file."""

from __future__ import annotations

import pathlib

import keras

from benchmarks import pruning
from benchmarks import skimcaffe
from tfprune import applications
from tfprune.utils import validation

SKIMCAFFE = "skimcaffe"


def check(name: str, sparsity: float | str) -> None:
    """Raises unless a net can be opened and pruned, which takes a while.

    Args:
        name: As of `dense`.
        sparsity: As of `pruned`.
    """
    if pathlib.Path(name).exists():
        return
    if name not in applications.MODELS:
        raise ValueError(validation.unknown("model", name, applications.MODELS))
    if sparsity == SKIMCAFFE:
        skimcaffe.sparsities(name)
    else:
        validation.check_sparsity("sparsities", sparsity)


def dense(name: str) -> keras.Model:
    """Returns a model as it comes.

    Args:
        name: String, key of `tfprune.applications.MODELS`, or a path of a
            `.keras` file.
    """
    if pathlib.Path(name).exists():
        return keras.saving.load_model(name, compile=False)
    return applications.build(name, seed=0)


def pruned(name: str, sparsity: float | str) -> keras.Model:
    """Returns a model with zeros; one of a file is taken as it is.

    Args:
        name: As of `dense`.
        sparsity: Float, or `"skimcaffe"`: what was published for each layer.
    """
    model = dense(name)
    if pathlib.Path(name).exists():
        return model
    if sparsity == SKIMCAFFE:
        pruning.prune(model, skimcaffe.sparsities(name))
    else:
        pruning.prune(model, pruning.uniform(model, sparsity))
    return model
