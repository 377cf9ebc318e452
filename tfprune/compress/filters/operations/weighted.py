"""Layers with a kernel of all inputs times all filters, or of groups."""

from __future__ import annotations

import functools
import math

import keras
import numpy as np

from tfprune import backend
from tfprune.compress.filters import constants
from tfprune.compress.filters import layout
from tfprune.compress.filters import readers
from tfprune.compress.filters.operations import base
from tfprune.compress.filters.operations import elementwise


class Weighted(base.Operation):
    """A layer with a kernel, and perhaps with a bias and an activation."""

    def unsupported_reason(self, call):
        layer = call.operation
        if getattr(layer, "lora_enabled", False):
            return "its kernel is a sum with a LoRA"
        if getattr(layer, "quantization_mode", None):
            return f"it is quantized to {layer.quantization_mode}"
        return super().unsupported_reason(call)

    def read(self, call, channels, size):
        """The channels that a layer takes, one for each slice."""
        labels = call.inputs[0]
        axis = layout.channel_axis(call.operation, labels.ndim)
        return channels.vector(labels, axis, size)

    def given(self, call, channels, made):
        """The labels of what a layer gives, its filters `made`."""
        channels.axis(call, "bias", 0, "shift", made)
        if not elementwise.is_elementwise(call.operation.activation):
            reason = f"{call.where} ({call.kind}): its activation is not known"
            channels.fix(made, f"{reason} to be elementwise")
        rank = len(call.tensors[0].shape)
        axis = layout.channel_axis(call.operation, rank)
        return [layout.along(made, axis, rank)]

    def known(self, call, size):
        """What is known of the channels that a layer takes."""
        given = call.inputs[0]
        axis = layout.channel_axis(call.operation, given.known.ndim)
        return constants.vector(given, axis, size)

    def activated(self, call, known, value):
        """A `Constant` of sums, with bias and activation added."""
        layer = call.operation
        rank = len(call.tensors[0].shape)
        if not elementwise.is_elementwise(layer.activation):
            return [constants.unknown(rank)]
        if layer.bias is not None:
            value = value + backend.to_numpy(layer.bias)
        value = keras.ops.convert_to_numpy(layer.activation(value))
        axis = layout.channel_axis(layer, rank)
        return [constants.along(known, value, axis, rank)]

    def sums(self, matrix, absorbed, value):
        """What filters sum up that read nothing but constants."""
        groups = absorbed.size // matrix.shape[1]
        matrix = matrix.reshape(*matrix.shape[:2], groups, -1)
        read = absorbed.reshape(groups, -1).T[..., None]
        added = np.where(absorbed, value, 0).reshape(groups, -1).T[..., None]
        known = ~np.any(np.any(matrix, axis=0) & ~read, axis=0)
        total = np.sum(matrix.sum(0) * added, axis=0)
        return known.ravel(), total.ravel()


class Dense(Weighted):
    """A kernel `(..., inputs, units)`."""

    names = {"Dense"}
    inputs, filters = -2, -1
    size = "units"

    def couple(self, call, channels):
        layer = call.operation
        made = channels.axis(call, "kernel", self.filters, "filter")
        groups = getattr(layer, "groups", 1)
        inputs = layer.kernel.shape[self.inputs] * groups
        read = self.read(call, channels, inputs)
        if groups == 1:
            channels.axis(call, "kernel", self.inputs, "input", read)
        elif groups == read.size:  # Whole groups may go.
            channels.unite(np.repeat(read, made.size // groups), made)
        else:  # All groups lose the same.
            for rows in (read.reshape(groups, -1), made.reshape(groups, -1)):
                channels.unite(rows[:1], rows)
            share = read[: read.size // groups]
            channels.axis(call, "kernel", self.inputs, "input", share)
        return self.given(call, channels, channels.size(call, made))

    def propagate(self, call, reads):
        layer = call.operation
        kernel = backend.to_numpy(layer.kernel)
        taps = matrix(np.swapaxes(kernel, self.inputs, -2))
        groups = getattr(layer, "groups", 1)
        known, value = self.known(call, groups * taps.shape[1])
        absorbed = known
        if not self.absorbs_values(layer):
            absorbed = known & (value == 0)
        read = known, absorbed, value
        reads.add(layer.kernel, taps, *read, groups, self.inputs)
        return self.activated(call, *self.sums(taps, absorbed, value))

    def absorbs_values(self, layer) -> bool:
        """Tells whether a bias can stand in for a channel that is not zero."""
        return True

    def readers(self, call):
        if len(call.operation.kernel.shape) != 2:
            return []
        return [readers.Reader(call.operation, (0,), positions)]

    def rebuild(self, call, stays):
        return {self.size: int(stays.sum())}


class Convolution(Dense):
    """A kernel `(..., inputs / groups, filters)`."""

    names = {"Conv1D", "Conv2D", "Conv3D"}
    size = "filters"

    def absorbs_values(self, layer):
        return layer.groups == 1 and not layout.has_border(layer)

    def readers(self, call):
        layer = call.operation
        if layer.groups > 1:
            return []
        read = tuple(range(len(layer.kernel.shape) - 1))
        rows = functools.partial(_patches, layer)
        return [readers.Reader(layer, read, rows)]

    def rebuild(self, call, stays):
        change, layer = super().rebuild(call, stays), call.operation
        if layer.groups > 1 and layer.kernel.shape[-2] == 1:
            groups = layer.groups * change[self.size] // layer.filters
            change["groups"] = groups
        return change


class ConvolutionTranspose(Dense):
    """A kernel `(..., filters, inputs)`, at its edges with fewer taps."""

    names = {"Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"}
    inputs, filters = -1, -2
    size = "filters"

    def absorbs_values(self, layer):
        return False

    def readers(self, call):
        return []


def positions(given):
    """What there is along the last axis, at each position."""
    (x,) = map(keras.ops.convert_to_numpy, given)
    return x.reshape(-1, x.shape[-1])


def _patches(layer, given):
    """What a convolution gives that has a filter for each weight."""
    taps = layer.kernel.shape[:-1]
    each = np.eye(math.prod(taps), dtype="float32").reshape(*taps, -1)
    own = type(layer).from_config(
        {
            **layer.get_config(),
            "filters": each.shape[-1],
            "use_bias": False,
            "activation": None,
            "dtype": "float32",
        }
    )
    own.build(given[0].shape)
    own.kernel.assign(each)
    patches = own(given[0])
    axis = layout.channel_axis(layer, len(patches.shape))
    return positions([keras.ops.moveaxis(patches, axis, -1)])


def matrix(kernel) -> np.ndarray:
    """A kernel as an array `(taps, inputs, filters)`."""
    kernel = np.asarray(backend.to_numpy(kernel))
    return kernel.reshape(-1, *kernel.shape[-2:])
