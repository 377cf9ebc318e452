"""Whole models: opened by name or from a file, pruned, and their MACs.

Zeros are where they fall, which is the worst case for speed.
"""

from __future__ import annotations

import pathlib

import keras
import numpy as np

from benchmarks.cases import skimcaffe
from tfprune import applications
from tfprune.graph import model_graph
from tfprune.reports import leaves
from tfprune.reports import rows
from tfprune.utils import validation

FROM_IMAGE = 8  # Channels below this are those of an image.
SKIMCAFFE = "skimcaffe"


def check(name: str, sparsity: float | str) -> None:
    """Raises unless a model can be opened and pruned, which takes a while.

    Args:
        name: As of `build`.
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


def build(name: str) -> keras.Model:
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
        name: As of `build`.
        sparsity: Float, or `"skimcaffe"`: what was published for each layer.
    """
    model = build(name)
    if pathlib.Path(name).exists():
        return model
    if sparsity == SKIMCAFFE:
        prune(model, skimcaffe.sparsities(name))
    else:
        prune(model, uniform(model, sparsity))
    return model


def uniform(model: keras.Model, sparsity: float) -> dict[str, float]:
    """Returns the sparsity of each layer that is pruned.

    Convolutions from an image are left alone, as are those that have one
    channel for each filter.

    Args:
        model: Keras model.
        sparsity: Float.
    """
    kinds = keras.layers.Conv2D | keras.layers.Dense
    return {
        layer.name: sparsity
        for layer in model.layers
        if isinstance(layer, kinds) and layer.kernel.shape[-2] >= FROM_IMAGE
    }


def prune(model: keras.Model, sparsities: dict[str, float]) -> None:
    """Sets weights of a model to zero at random.

    Args:
        model: Keras model.
        sparsities: Dict, name of a layer to the sparsity of its kernel.
    """
    rng = np.random.default_rng(0)
    for name, sparsity in sparsities.items():
        kernel = model.get_layer(name).kernel
        keep = rng.random(kernel.shape) >= sparsity
        kernel.assign(kernel * keep)


def weighted_layers(model: keras.Model) -> list[tuple]:
    """Returns each layer with weights, and its row of the report.

    Args:
        model: Keras model; its zeros count as pruned.
    """
    calls = model_graph.ModelGraph(model).calls
    return [
        (leaf.layer, rows.row(leaf, calls.get(id(leaf.layer)), False))
        for leaf in leaves.leaves(model)
    ]


def macs(model: keras.Model) -> int:
    """Returns the multiply-accumulates of an example."""
    return sum(row.macs for _, row in weighted_layers(model))


def kept_macs(model: keras.Model) -> float:
    """Returns the fraction of them that is left: without those with a zero."""
    left = sum(row.macs_kept for _, row in weighted_layers(model))
    return left / macs(model)
