"""Criteria: how much a group matters. Higher is kept.

A criterion maps grouped weights (groups, members), and grouped gradients of
the same shape where it needs them, to one score for each group.
"""

from __future__ import annotations

from keras import ops

from tfprune.core import part


@part.part
class Magnitude(part.Part):
    """The mean absolute value of a group; of a single weight, abs(w)."""

    def __call__(self, weights, gradients=None):
        return ops.mean(ops.abs(weights), axis=1)


@part.part
class GroupNorm(part.Part):
    """The L1 or L2 norm of a group.

    Args:
        order: 1 or 2. Defaults to 2.

    Reference:
        Li et al. Pruning Filters for Efficient ConvNets. ICLR 2017.
    """

    order: int = 2

    def __post_init__(self):
        part.check("order", self.order, self.order in (1, 2), "1 or 2")

    def __call__(self, weights, gradients=None):
        if self.order == 1:
            return ops.sum(ops.abs(weights), axis=1)
        return ops.sqrt(ops.sum(ops.square(weights), axis=1))


@part.part
class Deviation(part.Part):
    """The distance from the mean of all groups, as threshold surgery has it."""

    def __call__(self, weights, gradients=None):
        values = ops.mean(weights, axis=1)
        return ops.abs(values - ops.mean(values))


@part.part
class Taylor(part.Part):
    """What the loss would change by without a group, to first order.

    `abs(sum(w * dL/dw))` over the members of a group: terms of different
    sign cancel.

    Reference:
        Molchanov et al. Pruning Convolutional Neural Networks for Resource
        Efficient Inference. ICLR 2017.
    """

    def __call__(self, weights, gradients=None):
        part.check("gradients", gradients, gradients is not None, "given")
        return ops.abs(ops.sum(weights * gradients, axis=1))
