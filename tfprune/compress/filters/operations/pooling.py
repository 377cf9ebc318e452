"""Operations that work along the axes of space, each channel by itself."""

from __future__ import annotations

import dataclasses

import numpy as np

from tfprune.compress.filters import constants
from tfprune.compress.filters import layout
from tfprune.compress.filters.operations import base


class Pooling(base.Operation):
    """What is constant stays so."""

    names = {
        *("AveragePool", "AveragePooling1D", "AveragePooling2D"),
        *("AveragePooling3D", "CropImages", "Cropping1D", "Cropping2D"),
        *("Cropping3D", "MaxPool", "MaxPooling1D", "MaxPooling2D"),
        *("MaxPooling3D", "UpSampling1D", "UpSampling2D", "UpSampling3D"),
    }
    takes_one = True

    def couple(self, call, channels):
        labels = call.inputs[0]
        axis = layout.channel_axis(call.operation, labels.ndim)
        if labels.size > labels.shape[axis]:
            raise base.Unsupported("channels lie along an axis of space")
        return [labels]

    def propagate(self, call, reads):
        return call.inputs


class Weighing(Pooling):
    """Sums whose weights need not add up to one: zero alone stays as it is."""

    names = {
        *("AdaptiveAveragePool", "AdaptiveAveragePooling1D"),
        *("AdaptiveAveragePooling2D", "AdaptiveAveragePooling3D"),
        *("AdaptiveMaxPool", "AdaptiveMaxPooling1D", "AdaptiveMaxPooling2D"),
        *("AdaptiveMaxPooling3D", "GaussianBlur", "PadImages"),
        *("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"),
    }

    def propagate(self, call, reads):
        return [constants.zeros(constants.is_zero(call.inputs[0]))]


class Resizing(Weighing):
    """Another size in space, perhaps with a border of one value."""

    names = {"CenterCrop", "Resize", "Resizing"}

    def unsupported_reason(self, call):
        """Layers that prepare images are called as in training; no matter."""
        own = {k: x for k, x in call.kwargs.items() if k != "training"}
        return super().unsupported_reason(dataclasses.replace(call, kwargs=own))

    def propagate(self, call, reads):
        if getattr(call.operation, "fill_value", 0):
            return base.Operation.propagate(self, call, reads)
        return super().propagate(call, reads)


class GlobalPooling(Pooling):
    """One number for each channel, along all axes of space."""

    names = {
        *("GlobalAveragePooling1D", "GlobalAveragePooling2D"),
        *("GlobalAveragePooling3D", "GlobalMaxPooling1D"),
        *("GlobalMaxPooling2D", "GlobalMaxPooling3D"),
    }

    takes_one = False  # A mask of time steps may come after it.

    def couple(self, call, channels):
        (labels,) = super().couple(call, channels)
        place = self._place(call.operation, labels.ndim)
        return [layout.along(labels, *place)]

    def propagate(self, call, reads):
        given, *masks = call.inputs
        if masks:  # Its mean is a sum, which is exact of zeros alone.
            given = constants.zeros(constants.is_zero(given))
        axis = layout.channel_axis(call.operation, given.known.ndim)
        pair = constants.vector(given, axis, given.known.shape[axis])
        place = self._place(call.operation, given.known.ndim)
        return [constants.along(*pair, *place)]

    def _place(self, layer, rank):
        """The axis of channels, and the rank, of what a layer gives."""
        if not layer.keepdims:
            return 1, 2
        return layout.channel_axis(layer, rank), rank


class Reduction(base.Operation):
    """One number for all entries along some axes."""

    names = {
        *("All", "Amax", "Amin", "Any", "Argmax", "Argmin", "CountNonzero"),
        *("Max", "Mean", "Median", "Min", "Nanargmax", "Nanargmin", "Nanmax"),
        *("Nanmean", "Nanmedian", "Nanmin", "Nanprod", "Nanstd", "Nansum"),
        *("Nanvar", "Prod", "Ptp", "Std", "Sum", "Var"),
    }
    takes_one = True

    def couple(self, call, channels):
        labels = call.inputs[0]
        axes = _axes(call.operation, labels.ndim)
        if 0 in axes or any(labels.shape[axis] > 1 for axis in axes):
            raise base.Unsupported("it runs over channels")
        return [self._shaped(call, labels, axes)] * len(call.shapes)

    def propagate(self, call, reads):
        """A sum of many equal numbers is not exact; that of zeros is."""
        known = constants.is_zero(call.inputs[0])
        axes = _axes(call.operation, known.ndim)
        known = known.all(axes, keepdims=True)
        return [constants.zeros(self._shaped(call, known, axes))]

    def _shaped(self, call, array, axes):
        keepdims = getattr(call.operation, "keepdims", False)
        return array if keepdims else array.squeeze(axes)


class Moments(Reduction):
    """Numbers that are not zero where all entries are."""

    names = {"Logsumexp", "Moments"}

    def propagate(self, call, reads):
        return base.Operation.propagate(self, call, reads)


class AlongAnAxis(Reduction):
    """A function of all entries along an axis, for each of them."""

    names = {
        *("Argsort", "Cumprod", "Cumsum", "Diff", "Nancumprod", "Nancumsum"),
        "Sort",
    }

    def unsupported_reason(self, call):
        if call.operation.axis is None:
            return "it runs over channels"
        return super().unsupported_reason(call)

    def propagate(self, call, reads):
        if call.kind == "Argsort":
            return base.Operation.propagate(self, call, reads)
        return [constants.zeros(constants.is_zero(call.inputs[0]))]

    def _shaped(self, call, array, axes):
        return array


def _axes(operation, rank):
    axes = getattr(operation, "axes", None)  # Of `Moments`.
    axes = getattr(operation, "axis", axes)
    axes = range(rank) if axes is None else axes
    return tuple(axis % rank for axis in np.atleast_1d(axes))
