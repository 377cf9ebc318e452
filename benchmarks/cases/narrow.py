"""Dense nets with fewer multiplications: narrower in all layers."""

from __future__ import annotations

import keras
import numpy as np

from benchmarks.cases import models

# Filters come in vectors: a narrower net of odd sizes would be no faster.
_STEP = 8


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


def _width(model, part):
    """Returns the part of the filters that leaves so much to multiply."""
    layers = [found for found in models.weighted_layers(model) if found[1].macs]
    terms = np.array([row.macs for _, row in layers])
    powers = np.array([_power(x, model.layers[-1]) for x, _ in layers])
    widths = np.linspace(0, 1, 10_001)[:, None]
    left = np.sum(terms * widths**powers, axis=1)
    return widths[np.searchsorted(left, part * np.sum(terms)), 0]


def _power(layer, last):
    """Returns how often the width is a factor of a layer's work."""
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return 1
    from_image = layer.kernel.shape[-2] < models.FROM_IMAGE
    return 2 - from_image - (layer is last)
