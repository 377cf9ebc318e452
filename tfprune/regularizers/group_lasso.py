"""GroupLasso: a penalty that makes whole groups of weights zero."""

from __future__ import annotations

import keras
from keras import ops

from tfprune.core import structures
from tfprune.utils import serialization
from tfprune.utils import validation


@serialization.serializable
class GroupLasso(serialization.Serializable, keras.regularizers.Regularizer):
    """Adds up the L2 norms of groups, each with a weight of its size.

    `penalty = strength * sum(size**power * norm(group) for each group)`

    Without the square root in the norm this would be weight decay, which
    makes nothing zero. As a regularizer of a Keras layer it brings groups near
    to zero; `proximal` makes them zero. Its gradient at a group that is zero
    is zero.

    Args:
        strength: Float >= 0. Defaults to 1e-3.
        structure: What is a group, of `tfprune.core.structures`. Defaults to
            filters.
        power: Float, of the number of weights in a group. Defaults to 0.5,
            as Yuan & Lin have it, which makes groups of all sizes alike; the
            released code of Wen et al. has 0.

    Raises:
        ValueError: for a negative strength.

    Example:

    ```python
    shapes = GroupLasso(5e-3, tfprune.core.structures.FilterShape())
    layer = keras.layers.Conv2D(50, 5, kernel_regularizer=shapes)
    ```

    Reference:
        Yuan, Lin. Model Selection and Estimation in Regression with Grouped
        Variables. JRSS B 2006.
        Wen et al. Learning Structured Sparsity in Deep Neural Networks.
        NIPS 2016.
    """

    strength: float = 1e-3
    structure: structures.Structure = structures.Filter()
    power: float = 0.5

    def __post_init__(self):
        validation.check("strength", self.strength, self.strength >= 0, ">= 0")

    def __call__(self, x):
        groups = self.structure.group(x)
        squares = ops.sum(ops.square(groups), axis=1)
        # The root of 0 has no gradient.
        alive = squares > 0
        norms = ops.sqrt(ops.where(alive, squares, 1.0))
        total = ops.sum(ops.where(alive, norms, 0.0))
        return self.strength * self._weight(groups) * total

    def proximal(self, arrays: list, rate) -> list:
        """The arrays of a unit after a step: shorter groups, or zero.

        `group * max(1 - rate * strength * size**power / norm(group), 0)`

        Args:
            arrays: List of float tensors that make up the groups together.
            rate: Scalar, the learning rate.
        """
        groups = self.structure.join(arrays)
        norms = ops.sqrt(ops.sum(ops.square(groups), axis=1))
        shrunk = rate * self.strength * self._weight(groups)
        scale = ops.maximum(1.0 - ops.divide_no_nan(shrunk, norms), 0.0)
        scales = self.structure.split(scale, [x.shape for x in arrays])
        return list(map(ops.multiply, arrays, scales))

    def _weight(self, groups):
        return float(groups.shape[1]) ** self.power
