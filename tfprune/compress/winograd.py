"""Convolutions of a model to the Winograd domain, and back."""

from __future__ import annotations

import typing
import warnings

import keras

from tfprune.compress import traverse
from tfprune.core import names
from tfprune.layers import winograd_conv2d


class Spatial(typing.NamedTuple):
    """A model without layers in the Winograd domain.

    Args:
        model: Keras model.
        errors: Dict, name of a layer to the relative error of its
            coefficients, as `WinogradConv2D.to_conv2d` has it.
    """

    model: keras.Model
    errors: dict[str, float]


def to_winograd(model: keras.Model, filters: typing.Any = None) -> keras.Model:
    """Returns a model that computes the same on Winograd coefficients.

    Convolutions of stride 1 with filters of 3x3 or 5x5 become
    `WinogradConv2D` layers, of the same names. Prune them as any layers: all
    methods work on the coefficients then, and a zero saves more.

    Args:
        model: Sequential or Functional model.
        filters: Which layers: a regular expression, a list of them, or a
            callable `layer -> bool`. Defaults to None: all that fit; other
            convolutions are listed in a warning.

    Raises:
        ValueError: for a subclassed model, a pattern that matches no layer, a
            chosen layer that does not fit, or if none fits.

    Example:

    ```python
    model = tfprune.to_winograd(model)
    model = tfprune.prune(model, tfprune.methods.Winograd())
    ```

    Reference:
        Li, Park, Tang. Enabling Sparse Winograd Convolution by Native
        Pruning. 2017.
    """
    traverse.check_clonable(model, "convert")
    layers = traverse.leaves(model)
    chosen = _chosen(layers, filters)
    fit, others = [], []
    for layer in chosen:
        reason = winograd_conv2d.WinogradConv2D.misfit(layer)
        (others if reason else fit).append((layer, reason))
    _complain(model, fit, others, filters)
    wanted = {id(layer) for layer, _ in fit}

    def convert(layer, twin):
        if id(layer) not in wanted:
            return twin
        return winograd_conv2d.WinogradConv2D.from_conv2d(twin)

    return traverse.clone(model, convert)


def to_spatial(model: keras.Model) -> Spatial:
    """Returns the nearest model of ordinary convolutions, by least squares.

    Layers whose coefficients were trained or pruned are no image of any
    filters: look at the errors.

    Args:
        model: Sequential or Functional model, stripped.

    Raises:
        ValueError: for a subclassed model.
    """
    traverse.check_clonable(model, "convert")
    errors = {}

    def convert(layer, twin):
        if not isinstance(twin, winograd_conv2d.WinogradConv2D):
            return twin
        own, errors[layer.name] = twin.to_conv2d()
        return own

    return Spatial(traverse.clone(model, convert), errors)


def _chosen(layers, filters):
    """Returns the layers that are to be looked at."""
    if filters is None:
        return layers
    if callable(filters):
        return [layer for layer in layers if filters(layer)]
    patterns = [filters] if isinstance(filters, str) else filters
    known = [layer.name for layer in layers]
    found = {
        name
        for pattern in patterns
        for name in names.matching("filters", pattern, known)
    }
    return [layer for layer in layers if layer.name in found]


def _complain(model, fit, others, filters):
    """Raises or warns about layers that have no Winograd form."""
    if filters is None:
        others = [x for x in others if "Conv" in type(x[0]).__name__]
    listed = "".join(f"\n  {x.name}: {reason}" for x, reason in others)
    if not fit or (filters is not None and others):
        raise ValueError(
            "`filters` must choose convolutions of stride 1 with filters of "
            f"3x3 or 5x5. Received: model={model.name!r}, "
            f"filters={filters!r}{listed or ', which chooses none'}"
        )
    if others:
        warnings.warn(
            f"to_winograd leaves these convolutions as they are:{listed}",
            stacklevel=3,
        )
