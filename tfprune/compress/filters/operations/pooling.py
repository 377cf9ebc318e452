"""Operations that work along the axes of space, each channel by itself."""

from __future__ import annotations

import numpy as np

from tfprune.compress.filters import constants
from tfprune.compress.filters import layout
from tfprune.compress.filters.operations import base


class Pooling(base.Operation):
    """What is constant stays so."""

    names = {
        *("AveragePooling1D", "AveragePooling2D", "AveragePooling3D"),
        *("MaxPooling1D", "MaxPooling2D", "MaxPooling3D"),
        *("Cropping1D", "Cropping2D", "Cropping3D"),
        *("UpSampling1D", "UpSampling2D", "UpSampling3D"),
    }

    def couple(self, call, channels):
        labels = call.inputs[0]
        axis = layout.channel_axis(call.operation, labels.ndim)
        if labels.size > labels.shape[axis]:
            raise base.Unsupported("channels lie along an axis of space")
        return [labels]

    def propagate(self, call, reads):
        return call.inputs


class ZeroPadding(Pooling):
    """Zeros around what it takes."""

    names = {"ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"}

    def propagate(self, call, reads):
        return [constants.zeros(constants.is_zero(call.inputs[0]))]


class GlobalPooling(Pooling):
    """One number for each channel, along all axes of space."""

    names = {
        *("GlobalAveragePooling1D", "GlobalAveragePooling2D"),
        *("GlobalAveragePooling3D", "GlobalMaxPooling1D"),
        *("GlobalMaxPooling2D", "GlobalMaxPooling3D"),
    }

    def couple(self, call, channels):
        (labels,) = super().couple(call, channels)
        place = self._place(call.operation, labels.ndim)
        return [layout.along(labels, *place)]

    def propagate(self, call, reads):
        (given,) = call.inputs
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

    names = {"Max", "Mean", "Min", "Sum"}
    takes_one = True

    def couple(self, call, channels):
        labels, operation = call.inputs[0], call.operation
        axes = _axes(operation, labels.ndim)
        if 0 in axes or any(labels.shape[axis] > 1 for axis in axes):
            raise base.Unsupported("it runs over channels")
        return [labels if operation.keepdims else labels.squeeze(axes)]

    def propagate(self, call, reads):
        """A sum of many equal numbers is not exact; that of zeros is."""
        known = constants.is_zero(call.inputs[0])
        axes = _axes(call.operation, known.ndim)
        keepdims = call.operation.keepdims
        return [constants.zeros(known.all(axes, keepdims=keepdims))]


def _axes(operation, rank):
    axes = range(rank) if operation.axis is None else operation.axis
    return tuple(axis % rank for axis in np.atleast_1d(axes))
