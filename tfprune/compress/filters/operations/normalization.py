"""Normalizations, of channels and of groups of them."""

from __future__ import annotations

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
        return call.inputs

    def propagate(self, call, reads):
        """It gives beta where gamma is zero, whatever comes in."""
        (given,), layer = call.inputs, call.operation

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

    def rebuild(self, operation, sizes, kept):
        return {"groups": operation.groups * kept // sizes[operation.axis]}


class Mixing(base.Operation):
    """Each entry of the output depends on all channels."""

    names = {
        *("LayerNormalization", "LogSoftmax", "RMSNormalization", "Softmax"),
        "UnitNormalization",
    }

    def unsupported_reason(self, call):
        return "it mixes all channels"
