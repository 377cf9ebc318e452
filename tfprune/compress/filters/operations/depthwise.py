"""Convolutions that have a kernel for each channel."""

from __future__ import annotations

import numpy as np

from tfprune.compress.filters import layout
from tfprune.compress.filters.operations import weighted


class Depthwise(weighted.Weighted):
    """A kernel `(..., channels, depth multiplier)`."""

    names = {"DepthwiseConv1D", "DepthwiseConv2D"}
    kernel = "kernel"

    def couple(self, call, channels):
        return self.given(call, channels, self.scaled(call, channels))

    def propagate(self, call, reads):
        return self.activated(call, *self.products(call))

    def scaled(self, call, channels):
        """Couples the kernel with what it reads; returns what it gives."""
        read = channels.axis(call, self.kernel, -2, "scale")
        channels.unite(read, self.read(call, channels, read.size))
        return np.repeat(read, call.operation.depth_multiplier)

    def products(self, call):
        """What is known of what the kernel gives, before a bias."""
        taps = weighted.matrix(getattr(call.operation, self.kernel))
        known, value = self.known(call, taps.shape[1])
        if layout.has_border(call.operation):
            known = known & (value == 0)
        value = np.where(known, value, 0)[:, None] * taps.sum(0)
        known = known[:, None] | ~taps.any(axis=0)
        return known.ravel(), value.ravel()


class Separable(Depthwise):
    """A depthwise kernel, and one of a tap that reads what it gives."""

    names = {"SeparableConv1D", "SeparableConv2D"}
    kernel = "depthwise_kernel"

    def couple(self, call, channels):
        between = self.scaled(call, channels)
        channels.axis(call, "pointwise_kernel", -2, "input", between)
        made = channels.axis(call, "pointwise_kernel", -1, "filter")
        return self.given(call, channels, channels.size(call, made))

    def propagate(self, call, reads):
        known, value = self.products(call)
        kernel = call.operation.pointwise_kernel
        matrix = weighted.matrix(kernel)
        reads.add(kernel, matrix, known, known, value)
        return self.activated(call, *self.sums(matrix, known, value))

    def rebuild(self, call, stays):
        return {"filters": int(stays.sum())}
