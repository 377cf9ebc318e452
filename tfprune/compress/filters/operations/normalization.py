"""Normalizations and scales, of channels and of groups of them."""

from __future__ import annotations

import keras
import numpy as np

from tfprune import backend
from tfprune.compress.filters import constants
from tfprune.compress.filters import layout
from tfprune.compress.filters.operations import base

_ROLES = {
    "gamma": "scale",
    "beta": "shift",
    "moving_mean": "mean",
    "moving_variance": "variance",
}


class BatchNormalization(base.Operation):
    """Each channel is shifted and scaled by itself."""

    names = {"BatchNormalization"}

    def couple(self, call, channels):
        axis = call.operation.axis
        size = call.tensors[0].shape[axis]
        read = channels.vector(call.inputs[0], axis, size)
        for name, role in _ROLES.items():
            channels.axis(call, name, 0, role, read)
        return call.inputs[:1]  # A mask of time steps may come after it.

    def propagate(self, call, reads):
        """It gives beta where gamma is zero, whatever comes in."""
        given, layer = call.inputs[0], call.operation

        def values(variable, default):
            if variable is None:
                return default
            value = backend.to_numpy(variable)
            return layout.along(value, layer.axis, given.known.ndim)

        gamma = values(layer.gamma, 1.0)
        variance = values(layer.moving_variance, 1.0)
        scale = gamma / np.sqrt(variance + layer.epsilon)
        value = (given.value - values(layer.moving_mean, 0.0)) * scale
        value = value + values(layer.beta, 0.0)
        known = np.broadcast_to(given.known | (gamma == 0), value.shape)
        return [constants.Constant(known, value)]


class GroupNormalization(base.Operation):
    """Channels are shifted and scaled by the statistics of their group."""

    names = {"GroupNormalization"}

    def couple(self, call, channels):
        layer = call.operation
        size = call.tensors[0].shape[layer.axis]
        read = channels.vector(call.inputs[0], layer.axis, size)
        rows = read.reshape(layer.groups, -1)
        channels.unite(rows[:, :1], rows)
        for name in ("gamma", "beta"):
            channels.axis(call, name, 0, _ROLES[name], read)
        return [channels.size(call, call.inputs[0])]

    def propagate(self, call, reads):
        """It gives beta where gamma is zero, or all of a group."""
        layer, shape = call.operation, call.tensors[0].shape
        axis, size = layer.axis, shape[layer.axis]
        known, value = constants.vector(call.inputs[0], axis, size)
        rows = (known & (value == 0)).reshape(layer.groups, -1)
        known = np.repeat(rows.all(axis=1), rows.shape[1])
        if layer.gamma is not None:
            known = known | (backend.to_numpy(layer.gamma) == 0)
        beta = np.zeros(size, "float32")
        if layer.beta is not None:
            beta = backend.to_numpy(layer.beta)
        return [constants.along(known, beta, axis, len(shape))]

    def rebuild(self, call, stays):
        groups = call.operation.groups * np.count_nonzero(stays)
        return {"groups": int(groups // stays.size)}


class Scaling(base.Operation):
    """Each channel is multiplied with a weight: ConvNeXt's layer scale."""

    names = {"LayerScale"}

    def couple(self, call, channels):
        labels = call.inputs[0]
        size = call.operation.gamma.shape[0]
        read = channels.vector(labels, labels.ndim - 1, size)
        channels.axis(call, "gamma", 0, "scale", read)
        channels.size(call, read)
        return [labels]

    def propagate(self, call, reads):
        (given,) = call.inputs
        gamma = backend.to_numpy(call.operation.gamma)
        gamma = layout.along(gamma, -1, given.known.ndim)
        known = given.known | (gamma == 0)
        return [
            constants.Constant(known, np.where(known, given.value * gamma, 0))
        ]

    def rebuild(self, call, stays):
        return {"projection_dim": int(stays.sum())}


class Standardizing(base.Operation):
    """Each channel is shifted and scaled by statistics of the data."""

    names = {"Normalization"}

    def unsupported_reason(self, call):
        axis = np.atleast_1d(call.operation.axis or 0)
        if call.operation.input_mean is not None:
            return "its statistics are in its config"
        if axis.size > 1 or axis[0] % len(call.tensors[0].shape) == 0:
            return "its statistics are not those of channels"
        return super().unsupported_reason(call)

    def couple(self, call, channels):
        axis, (labels,) = self._axis(call), call.inputs
        size = call.tensors[0].shape[axis]
        read = channels.vector(labels, axis, size)
        channels.axis(call, "adapt_mean", 0, "mean", read)
        channels.axis(call, "adapt_variance", 0, "variance", read)
        return [labels]

    def propagate(self, call, reads):
        (given,), layer = call.inputs, call.operation
        axis, rank = self._axis(call), given.value.ndim
        mean, variance = (
            layout.along(backend.to_numpy(x), axis, rank)
            for x in (layer.adapt_mean, layer.adapt_variance)
        )
        deviation = np.maximum(np.sqrt(variance), keras.config.epsilon())
        if layer.invert:
            value = given.value * deviation + mean
        else:
            value = (given.value - mean) / deviation
        known = np.broadcast_to(given.known, value.shape)
        return [constants.Constant(known, value)]

    def _axis(self, call):
        return int(np.atleast_1d(call.operation.axis)[0])
