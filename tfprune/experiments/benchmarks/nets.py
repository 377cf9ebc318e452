"""The nets that are measured, by name or from a file."""

from __future__ import annotations

import pathlib

import keras

from tfprune.core import errors
from tfprune.experiments import models
from tfprune.experiments.benchmarks import pruning


def dense(name: str) -> keras.Model:
    """Returns a model as it comes.

    Args:
        name: String, key of `experiments.models.MODELS`, or a path of a
            `.keras` file.
    """
    if pathlib.Path(name).exists():
        return keras.saving.load_model(name, compile=False)
    if name not in models.MODELS:
        raise ValueError(errors.unknown("model", name, models.MODELS))
    return models.build(name, seed=0)


def pruned(name: str, sparsity: float) -> keras.Model:
    """Returns a model with zeros; one of a file is taken as it is.

    Args:
        name: As of `dense`.
        sparsity: Float.
    """
    model = dense(name)
    if not pathlib.Path(name).exists():
        pruning.prune(model, pruning.uniform(model, sparsity))
    return model
