"""Whole models, by name or from a file: pruned, narrowed, and their MACs.

Zeros are where they fall, which is the worst case for speed.
"""

from __future__ import annotations

import pathlib

import keras
import numpy as np

from benchmarks.cases import skimcaffe
from tfprune import applications
from tfprune.graph import leaves
from tfprune.graph import model_graph
from tfprune.reports import rows
from tfprune.utils import validation

FROM_IMAGE = 8  # Channels below this are those of an image.
# Filters come in vectors: a narrower net of odd sizes would be no faster.
_STEP = 8
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


def narrow(model: keras.Model, part: float) -> keras.Model:
    """Returns a new net with about a part of the multiply-accumulates.

    Each layer has the same part of its filters, in steps of 8; the last one
    has them all.

    Args:
        model: Sequential or Functional model that ends in a layer with
            weights.
        part: Float.
    """
    width, last = _width(model, part), model.layers[-1]

    def clone(layer):
        config = layer.get_config()
        for name in {"filters", "units"} & config.keys():
            if layer is not last:
                steps = round(width * config[name] / _STEP)
                config[name] = _STEP * max(steps, 1)
        return layer.__class__.from_config(config)

    return keras.models.clone_model(model, clone_function=clone)


def weighted_layers(
    model: keras.Model, shapes: list | None = None
) -> list[tuple]:
    """Returns each layer with weights, and its row of the report.

    Args:
        model: Keras model; its zeros count as pruned.
        shapes: List of tuples, of its inputs without batch, where it leaves
            sizes open. Defaults to None.
    """
    calls = model_graph.ModelGraph(model, shapes).calls
    return [
        (leaf.layer, rows.row(leaf, calls.get(id(leaf.layer)), False))
        for leaf in leaves.with_parameters(model)
    ]


def macs(model: keras.Model, shapes: list | None = None) -> int:
    """Returns the multiply-accumulates of an example.

    Args:
        model: As of `weighted_layers`; so are the others.
        shapes: As of `weighted_layers`.
    """
    return sum(row.macs for _, row in weighted_layers(model, shapes))


def kept_macs(model: keras.Model) -> float:
    """Returns the fraction of them that is left: without those with a zero."""
    left = sum(row.macs_kept for _, row in weighted_layers(model))
    return left / macs(model)


def _width(model, part):
    """Returns the part of the filters that leaves so much to multiply."""
    layers = [found for found in weighted_layers(model) if found[1].macs]
    terms = np.array([row.macs for _, row in layers])
    powers = np.array([_power(x, model.layers[-1]) for x, _ in layers])
    widths = np.linspace(0, 1, 10_001)[:, None]
    left = np.sum(terms * widths**powers, axis=1)
    return widths[np.searchsorted(left, part * np.sum(terms)), 0]


def _power(layer, last):
    """Returns how often the width is a factor of a layer's work."""
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return 1
    from_image = layer.kernel.shape[-2] < FROM_IMAGE
    return 2 - from_image - (layer is last)
