"""Criteria: how much a group matters. Higher is kept.

A criterion maps grouped weights (groups, members), and grouped gradients of
the same shape where it needs them, to one score for each group.
"""

from __future__ import annotations

import typing

from keras import ops

from tfprune.core import grouped
from tfprune.utils import serialization
from tfprune.utils import validation

__all__ = [
    "Criterion",
    "Deviation",
    "Gamma",
    "GeometricMedian",
    "GroupNorm",
    "Magnitude",
    "Taylor",
]


class Criterion(serialization.Serializable):
    """The interface. `Magnitude` is the simplest example.

    `roles` are those of the arrays that count where the filters of several
    layers are coupled. With `needs_gradients`, gradients must be given.
    """

    roles: typing.ClassVar[tuple[str, ...]] = ("kernel",)
    needs_gradients = False

    def __call__(self, weights, gradients=None):
        raise NotImplementedError


@serialization.serializable
class Magnitude(Criterion):
    """The mean absolute value of a group; of a single weight, abs(w)."""

    def __call__(self, weights, gradients=None):
        return grouped.reduced(ops.mean, ops.abs(weights))


@serialization.serializable
class GroupNorm(Criterion):
    """The L1 or L2 norm of a group.

    Args:
        order: 1 or 2. Defaults to 2.

    Reference:
        Li et al. Pruning Filters for Efficient ConvNets. ICLR 2017.
    """

    order: int = 2

    def __post_init__(self):
        validation.check("order", self.order, self.order in (1, 2), "1 or 2")

    def __call__(self, weights, gradients=None):
        if self.order == 1:
            return grouped.reduced(ops.sum, ops.abs(weights))
        return ops.sqrt(ops.sum(ops.square(weights), axis=1))


@serialization.serializable
class Gamma(Magnitude):
    """The mean absolute factor of the normalizations behind a filter.

    Reference:
        Liu et al. Learning Efficient Convolutional Networks through Network
        Slimming. ICCV 2017.
    """

    roles = ("gamma",)


@serialization.serializable
class GeometricMedian(Criterion):
    """The sum of a group's distances from all others of its layer.

    What is near to the geometric median of all is what others can stand in
    for.

    Reference:
        He et al. Filter Pruning via Geometric Median for Deep Convolutional
        Neural Networks Acceleration. CVPR 2019.
    """

    def __call__(self, weights, gradients=None):
        # Distances do not change, and cancel less in what is nearly equal.
        weights = weights - ops.mean(weights, axis=0)
        products = ops.matmul(weights, ops.transpose(weights))
        squares = ops.sum(ops.square(weights), axis=1)
        between = squares[:, None] + squares - 2 * products
        apart = 1 - ops.eye(weights.shape[0], dtype=between.dtype)
        return ops.sum(ops.sqrt(ops.maximum(between, 0) * apart), axis=1)


@serialization.serializable
class Deviation(Criterion):
    """The distance from the mean of all groups, as threshold surgery has it."""

    def __call__(self, weights, gradients=None):
        values = grouped.reduced(ops.mean, weights)
        return ops.abs(values - ops.mean(values))


@serialization.serializable
class Taylor(Criterion):
    """What the loss would change by without a group, to first order.

    `abs(sum(w * dL/dw))` over the members of a group: terms of different
    sign cancel.

    Reference:
        Molchanov et al. Pruning Convolutional Neural Networks for Resource
        Efficient Inference. ICLR 2017.
    """

    roles = ("kernel", "scale", "bias", "gamma", "beta")
    needs_gradients = True

    def __call__(self, weights, gradients=None):
        validation.check("gradients", gradients, gradients is not None, "given")
        return ops.abs(ops.sum(weights * gradients, axis=1))
