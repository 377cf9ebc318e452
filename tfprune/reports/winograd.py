"""Sparsity of convolutions in the Winograd domain."""

from __future__ import annotations

import keras
import numpy as np

from tfprune import backend
from tfprune.core import units
from tfprune.graph import leaves
from tfprune.layers import winograd_conv2d
from tfprune.numerics import winograd
from tfprune.reports import checks


def winograd_sparsity(
    model: keras.Model, threshold: float = 1e-4
) -> dict[str, float]:
    """The fraction of Winograd coefficients that are zero.

    Args:
        model: Keras model, built.
        threshold: Float, the magnitude up to which a coefficient counts as
            zero. Defaults to 1e-4, what SkimCaffe's logs have.

    Returns:
        Dict, name of each layer that is in the Winograd domain, or could be,
        to a float.

    Raises:
        ValueError: if `model` is no Keras model, or is not built.
    """
    checks.check(model)
    found = {}
    for leaf in leaves.with_parameters(model):
        u = _coefficients(leaf.layer)
        if u is not None and u.size:
            found[leaf.address] = float(np.mean(np.abs(u) <= threshold))
    return found


def _coefficients(layer):
    if isinstance(layer, winograd_conv2d.WinogradConv2D):
        return units.masked(layer.kernel) * backend.to_numpy(layer.balance)
    if winograd_conv2d.WinogradConv2D.unsupported_reason(layer) is not None:
        return None
    kernel = units.masked(layer.kernel).astype("float64")
    return np.array(winograd.coefficients(kernel, layer.kernel_size[0]))
