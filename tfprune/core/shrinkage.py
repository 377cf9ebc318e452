"""Shrinkage: what becomes of small weights after a step.

A shrinkage tells the new value of each weight (`__call__`) and which weights
are kept (`kept`). With `gradient_term`, an L1 penalty is to be in the gradient;
with `keeps_masked_values`, a weight that is not kept has a value of its own.
"""

from __future__ import annotations

from keras import ops

from tfprune.core import masks
from tfprune.utils import serialization
from tfprune.utils import validation


@serialization.serializable
class Hard(serialization.Serializable):
    """Zero where abs(w) <= threshold."""

    gradient_term = True
    keeps_masked_values = False

    def __call__(self, weights, movement, rate, own):
        """The weights after a step.

        Args:
            weights: Float tensor.
            movement: Float tensor of the same shape, of a signal.
            rate: Scalar, the learning rate.
            own: Dict, name to scalar.
        """
        limit = self.threshold(movement, own)
        return masks.select(weights, ops.abs(weights) > limit)

    def threshold(self, movement, own):
        """The threshold of each weight, or one for all."""
        return own["threshold"]

    def kept(self, weights, own):
        """Which weights take part in the forward pass."""
        return ops.not_equal(weights, 0)


@serialization.serializable
class Guided(Hard):
    """Hard, with a threshold that is lower for weights that move.

    `threshold / (abs(movement) + 1 / factor)`

    Args:
        factor: Float >= 2: what is at rest has so many times the threshold.
            Defaults to 10.

    Reference:
        Park et al. Faster CNNs with Direct Sparse Convolutions and Guided
        Pruning. ICLR 2017.
    """

    factor: float = 10.0

    def __post_init__(self):
        validation.check("factor", self.factor, self.factor >= 2, ">= 2")

    def threshold(self, movement, own):
        return own["threshold"] / (ops.abs(movement) + 1.0 / self.factor)


@serialization.serializable
class Soft(Hard):
    """All weights move to zero by rate * decay, and stop there.

    Args:
        gradient_term: Bool: the penalty is in the gradient, too, as in the
            released code, which makes it about twice as strong. Defaults to
            False.

    Reference:
        Beck, Teboulle. A Fast Iterative Shrinkage-Thresholding Algorithm for
        Linear Inverse Problems. SIAM J. Imaging Sciences 2009.
    """

    gradient_term: bool = False

    def __call__(self, weights, movement, rate, own):
        left = ops.abs(weights) - rate * own["decay"]
        return ops.sign(weights) * ops.maximum(left, 0.0)


@serialization.serializable
class Hidden(Hard):
    """No change: weights below the threshold keep receiving gradients."""

    keeps_masked_values = True

    def __call__(self, weights, movement, rate, own):
        return weights

    def kept(self, weights, own):
        return ops.abs(weights) > own["threshold"]
