"""Convolutions of a model to the Winograd domain, and back."""

from __future__ import annotations

import dataclasses
import math
import typing
import warnings

import keras
import numpy as np
from keras import ops

from tfprune.compress import result
from tfprune.core import units
from tfprune.graph import cloning
from tfprune.graph import trace
from tfprune.graph import traversal
from tfprune.layers import winograd_conv2d
from tfprune.numerics import winograd_convolution
from tfprune.utils import layer_names
from tfprune.utils import tables

# The least root of mean squares, of a position and channel, by the greatest.
_FAINT = 0.01


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Spatial(result.Compressed):
    """A model without layers in the Winograd domain.

    Args:
        errors: Dict, name of a layer to the relative error of its
            coefficients, as `WinogradConv2D.to_conv2d` has it.
    """

    errors: dict[str, float]

    def lines(self) -> list[str]:
        rows = [(name, f"{error:.2e}") for name, error in self.errors.items()]
        return tables.aligned([("layer", "error"), *rows], numbers=[1])


def to_winograd(
    model: keras.Model, filters: typing.Any = None, *, data: typing.Any = None
) -> keras.Model:
    """Makes a model that computes the same on Winograd coefficients.

    Convolutions of stride 1 with filters of 3x3 or 5x5 become
    `WinogradConv2D` layers, of the same names. Prune them as any layers: all
    methods work on the coefficients then, and a zero saves more.

    Args:
        model: Sequential or Functional model.
        filters: Which layers: a regular expression, a list of them, or a
            callable `layer -> bool`. Defaults to None: all that fit; other
            convolutions are listed in a warning.
        data: A few hundred examples, as the model takes them; give them if
            you mean to prune. Entries of the kernels are then scaled by what
            reaches them, in the mean of all groups, so that those of one
            magnitude matter alike, and train alike. Defaults to None: all
            channels count as equal.

    Raises:
        ValueError: for a subclassed model, a pattern that matches no layer, a
            chosen layer that does not fit, if none fits, or if `data` has no
            examples or is not finite.

    Example:

    ```python
    model = tfprune.to_winograd(model, data=x_train[:500])
    model = tfprune.prune(model, tfprune.methods.Winograd())
    ```

    Reference:
        Li, Park, Tang. Enabling Sparse Winograd Convolution by Native
        Pruning. 2017. Scaled by inputs as the scores of Sun et al. A Simple
        and Effective Pruning Approach for Large Language Models. ICLR 2024.
    """
    traversal.check_clonable(model, "convert")
    layers = traversal.leaves(model)
    chosen = _chosen(layers, filters)
    fit: list[tuple] = []
    others: list[tuple] = []
    for layer in chosen:
        reason = _unsupported_reason(layer)
        (others if reason else fit).append((layer, reason))
    _complain(model, fit, others, filters)
    wanted = {id(layer) for layer, _ in fit}

    made = []

    def convert(layer, copied):
        if id(layer) not in wanted:
            return copied
        made.append(winograd_conv2d.WinogradConv2D.from_conv2d(copied))
        return made[-1]

    converted = cloning.clone(model, convert)
    if data is not None:
        _rebalance(converted, made, data)
    return converted


def to_spatial(model: keras.Model) -> Spatial:
    """Finds the nearest model of ordinary convolutions, by least squares.

    Layers whose coefficients were trained or pruned are no image of any
    filters: look at the errors.

    Args:
        model: Sequential or Functional model, stripped.

    Raises:
        ValueError: for a subclassed model.
    """
    traversal.check_clonable(model, "convert")
    errors = {}

    def convert(layer, copied):
        if not isinstance(copied, winograd_conv2d.WinogradConv2D):
            return copied
        own, errors[layer.name] = copied.to_conv2d()
        return own

    made = cloning.clone(model, convert)
    return Spatial(
        model=made, errors=errors, class_change=result.class_change(model, made)
    )


def _chosen(layers, filters):
    """The layers that are to be looked at."""
    if filters is None:
        return layers
    if callable(filters):
        return [layer for layer in layers if filters(layer)]
    patterns = [filters] if isinstance(filters, str) else filters
    known = [layer.name for layer in layers]
    found = {
        name
        for pattern in patterns
        for name in layer_names.matching("filters", pattern, known)
    }
    return [layer for layer in layers if layer.name in found]


def _unsupported_reason(layer):
    """Why a layer stays as it is, or None."""
    reason = winograd_conv2d.WinogradConv2D.unsupported_reason(layer)
    if not reason and units.tagged(layer.weights):
        return "it is pruned: call tfprune.strip first"
    return reason


def _rebalance(model, layers, data):
    """Scales the kernels' entries by what the layers are given."""
    watchers = {id(layer): _Inputs(layer) for layer in layers}
    trace.run(model, watchers, data)
    for layer in layers:
        layer.rebalance(watchers[id(layer)].gains())


class _Inputs(trace.Watcher):
    """Tells how much the transform makes of a layer's inputs."""

    def __init__(self, layer):
        super().__init__(layer)
        self._pixels, self._tiles = _Mean(), _Mean()

    def note(self, inputs):
        inputs = ops.cast(inputs, "float32")
        tiles = winograd_convolution.transformed(
            inputs, self._layer.kernel_size, self._layer.padding
        )
        self._pixels.add(np.square(inputs), (0, 1, 2, 3))
        self._tiles.add(np.square(tiles), (2, 3, 4))

    def gains(self) -> np.ndarray:
        """Gains as `WinogradConv2D.rebalance` wants them.

        What is silent, or nearly so, counts as faint.
        """
        power = self._tiles.value
        power = power.reshape(*power.shape[:2], self._layer.groups, -1)
        power = np.mean(power, axis=2) / (self._pixels.value or 1.0)
        if not np.all(np.isfinite(power)):
            raise ValueError(
                f"`data` must give layer {self.name!r} finite inputs. "
                "Received: NaN or infinity."
            )
        loudest = np.max(power, initial=0.0) or 1.0
        return np.sqrt(np.maximum(power, _FAINT**2 * loudest))


class _Mean:
    """The mean of arrays along axes, over all of them."""

    def __init__(self):
        self._sum, self._count = 0.0, 0

    def add(self, array, axes):
        self._sum = self._sum + np.sum(array, axes, dtype="float64")
        self._count += math.prod(array.shape[axis] for axis in axes)

    @property
    def value(self):
        return self._sum / max(self._count, 1)


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
