"""Spectra: which rank each layer of a net needs, as it is now."""

from __future__ import annotations

import keras
import numpy as np

from tfprune import backend
from tfprune.compress.low_rank import candidates
from tfprune.compress.low_rank import forms
from tfprune.compress.low_rank import ranks as ranks_lib
from tfprune.graph import cloning
from tfprune.graph import traversal
from tfprune.layers import prunable


def spectra(
    model: keras.Model,
    method: str | forms.Channels | forms.Spatial = "pca",
) -> dict[str, np.ndarray]:
    """Returns the share of the energy that ranks 1, 2, ... keep, by layer.

    Args:
        model: Keras model, pruned ones included: masks are applied.
        method: As `tfprune.factorize` takes it. Defaults to `"pca"`.

    Raises:
        ValueError: for an unknown method, or NaN weights.
    """
    return {x.layer.name: x.energies for x in _candidates(model, method)}


def ranks(
    model: keras.Model,
    energy: float = 0.95,
    method: str | forms.Channels | forms.Spatial = "pca",
) -> dict[str, int]:
    """Returns the rank that keeps so much energy, by layer.

    Args:
        model: Keras model, pruned ones included: masks are applied.
        energy: Float in (0, 1]. Defaults to 0.95.
        method: As `tfprune.factorize` takes it. Defaults to `"pca"`.

    Raises:
        ValueError: for an energy outside (0, 1], an unknown method, or NaN
            weights.
    """
    ranks_lib.check_energy(energy)
    found = _candidates(model, method)
    return {x.layer.name: x.rank(energy) for x in found}


def _candidates(model, method):
    form = forms.form(method)
    layers = [_bare(x) for x in traversal.leaves(model) if x.weights]
    return [
        candidates.Candidate(layer, form)
        for layer in layers
        if not form.unsupported_reason(layer)
    ]


def _bare(layer):
    """Returns a layer without masks, its weights as they act."""
    if not isinstance(layer, prunable.Prunable):
        return layer
    copied = cloning.copy(layer.layer)
    masks = {id(t.variable): t.mask for t in layer.unit.targets}
    for old, new in zip(layer.layer.weights, copied.weights, strict=True):
        if id(old) in masks:
            new.assign(backend.to_numpy(old) * backend.to_numpy(masks[id(old)]))
    return copied
