"""Sparsity schedules: how sparse a model should be after some updates.

`sparsity(step)` takes the completed updates and returns a tensor; it is
`final_sparsity` from `end_step` on.
"""

from __future__ import annotations

import typing

from keras import ops

from tfprune.utils import serialization
from tfprune.utils import validation


@serialization.serializable
class Constant(serialization.Serializable):
    """The final sparsity from the first decision on.

    Args:
        final_sparsity: Float in [0, 1).
    """

    final_sparsity: float = 0.5

    end_step: typing.ClassVar[int] = 0

    def __post_init__(self):
        validation.check_sparsity("final_sparsity", self.final_sparsity)

    def sparsity(self, step):
        """The sparsity after `step` updates: a float32 tensor."""
        return ops.convert_to_tensor(self.final_sparsity, "float32")


@serialization.serializable
class Polynomial(serialization.Serializable):
    """From an initial to a final sparsity, fast at first.

    `s = final + (initial - final) * (1 - (step - begin) / (end - begin))^power`

    and the end values outside of the interval.

    Args:
        initial_sparsity: Float in [0, 1). Defaults to 0.
        final_sparsity: Float in [0, 1). Defaults to 0.5.
        begin_step: Integer, completed updates. Defaults to 0.
        end_step: Integer, completed updates. Defaults to 1000.
        power: Float. Defaults to 3.

    Reference:
        Zhu, Gupta. To Prune, or Not to Prune. ICLR workshop 2018.
    """

    initial_sparsity: float = 0.0
    final_sparsity: float = 0.5
    begin_step: int = 0
    end_step: int = 1000
    power: float = 3.0

    def __post_init__(self):
        validation.check_sparsity("initial_sparsity", self.initial_sparsity)
        validation.check_sparsity("final_sparsity", self.final_sparsity)
        ordered = 0 <= self.begin_step < self.end_step
        expected = f"greater than begin_step={self.begin_step} >= 0"
        validation.check("end_step", self.end_step, ordered, expected)

    def sparsity(self, step):
        """The sparsity after `step` updates: a float32 tensor."""
        length = float(self.end_step - self.begin_step)
        done = (ops.cast(step, "float32") - self.begin_step) / length
        left = 1.0 - ops.clip(done, 0.0, 1.0)
        span = self.initial_sparsity - self.final_sparsity
        return span * ops.power(left, self.power) + self.final_sparsity
