"""Nets with zeros where they fall, which is the worst case for speed."""

from __future__ import annotations

import keras
import numpy as np

_LITTLE = 8  # Channels of an image, not of features.


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
        if isinstance(layer, kinds) and layer.kernel.shape[-2] >= _LITTLE
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
