"""Update schedules: when the mask of a unit is decided again.

`due(step, unit, settings)` takes the number of completed updates, the unit's
number in the net, and the unit's settings; it returns a bool tensor.
"""

from __future__ import annotations

import typing

from keras import ops

from tfprune.core import random
from tfprune.utils import serialization
from tfprune.utils import validation


@serialization.serializable
class Every(serialization.Serializable):
    """Every `frequency` updates between two steps, both included.

    Args:
        frequency: Integer >= 1. Defaults to 100.
        begin_step: Integer >= 0. Defaults to 0.
        end_step: Integer, or -1 for ever. Defaults to -1.
    """

    frequency: int = 100
    begin_step: int = 0
    end_step: int = -1

    settings: typing.ClassVar[dict[str, float]] = {}

    def __post_init__(self):
        whole = isinstance(self.frequency, int) and self.frequency > 0
        validation.check(
            "frequency", self.frequency, whole, "a positive integer"
        )
        validation.check(
            "begin_step", self.begin_step, self.begin_step >= 0, ">= 0"
        )
        ordered = self.end_step == -1 or self.end_step >= self.begin_step
        expected = f"-1 or at least begin_step={self.begin_step}"
        validation.check("end_step", self.end_step, ordered, expected)

    def due(self, step, unit, settings):
        """Whether a unit is decided after `step` updates: a bool tensor."""
        passed = ops.cast(step, "int32") - self.begin_step
        due = ops.logical_and(passed >= 0, passed % self.frequency == 0)
        if self.end_step == -1:
            return due
        return ops.logical_and(due, passed <= self.end_step - self.begin_step)


@serialization.formerly("Coin")
@serialization.serializable
class Probabilistic(serialization.Serializable):
    """With probability (1 + gamma * step)^-power, until `stop_step`.

    Args:
        gamma: Float >= 0, decay of the probability. Defaults to 1e-4.
        power: Float >= 0. Defaults to 1.
        stop_step: Integer or None: the first step with no more decisions.
            Defaults to None (never stops).
        seed: Integer. Defaults to 0.
        shared: Bool: one random draw for the model instead of one for each
            unit. Defaults to False.

    Reference:
        Guo, Yao, Chen. Dynamic Network Surgery for Efficient DNNs.
        NIPS 2016.
    """

    gamma: float = 1e-4
    power: float = 1.0
    stop_step: int | None = None
    seed: int = 0
    shared: bool = False

    def __post_init__(self):
        validation.check("gamma", self.gamma, self.gamma >= 0, ">= 0")
        validation.check("power", self.power, self.power >= 0, ">= 0")

    @property
    def settings(self):
        stop_step = float("inf") if self.stop_step is None else self.stop_step
        settings = {"stop_step": float(stop_step)}
        if not self.shared:
            settings |= {"gamma": self.gamma, "power": self.power}
        return settings

    def due(self, step, unit, settings):
        """Whether a unit is decided after `step` updates: a bool tensor."""
        settings = {"gamma": self.gamma, "power": self.power, **settings}
        now = ops.cast(step, "float32")
        chance = ops.power(1.0 + settings["gamma"] * now, -settings["power"])
        toss = random.uniform(self.seed, 0 if self.shared else unit, step)
        return ops.logical_and(toss < chance, now < settings["stop_step"])


@serialization.serializable
class Staged(serialization.Serializable):
    """Ever more often: every `interval` updates, which falls by stages.

    The interval of stages S, S - 1, ..., 1 is S, S - 1, ..., 1 updates
    (`"minus"`) or 2^(S - 1), ..., 2, 1 (`"exp"`). The last stage does not end.

    Args:
        stages: Integer >= 1. Defaults to 3.
        stage_steps: Integer >= 1, updates of each stage but the last.
            Defaults to 1000.
        policy: `"minus"` or `"exp"`. Defaults to `"minus"`.
        stop_step: Integer or None: the first step with no more decisions.
            Defaults to None (never stops).

    Reference:
        Lin et al. Accelerating Convolutional Networks via Global & Dynamic
        Filter Pruning. IJCAI 2018.
    """

    stages: int = 3
    stage_steps: int = 1000
    policy: str = "minus"
    stop_step: int | None = None

    settings: typing.ClassVar[dict[str, float]] = {}

    def __post_init__(self):
        validation.check_count("stages", self.stages, least=1)
        validation.check_count("stage_steps", self.stage_steps, least=1)
        known = self.policy in ("minus", "exp")
        validation.check("policy", self.policy, known, "'minus' or 'exp'")

    def due(self, step, unit, settings):
        """Whether a unit is decided after `step` updates: a bool tensor."""
        step = ops.cast(step, "int32")
        passed = (step - 1) // self.stage_steps
        stage = ops.maximum(self.stages - passed, 1)
        if self.policy == "exp":
            stage = ops.left_shift(ops.ones_like(stage), stage - 1)
        due = ops.equal(step % stage, 0)
        if self.stop_step is None:
            return due
        return ops.logical_and(due, step < self.stop_step)
