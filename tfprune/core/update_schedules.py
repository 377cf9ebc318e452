"""Update schedules: when the mask of a unit is decided again.

`due(step, unit, settings)` takes the number of completed updates, the unit's
number in the net, and the unit's settings; it returns a bool tensor. All units
are asked for at once: their numbers are an array then, and settings are
tensors of that shape.
`decided_by(step, settings)` says, as an integer, after which update a unit has
been decided at `step` or later; it may be left out.
"""

from __future__ import annotations

import math
import typing

import numpy as np
from keras import ops

from tfprune.core import random
from tfprune.utils import serialization
from tfprune.utils import validation


@serialization.serializable
class Every(serialization.Serializable):
    """Every `frequency` updates from a step on, and at the last step.

    Masks are decided at `begin_step`, after update 1 where that is 0, at
    `begin_step + k * frequency`, and at `end_step`, so that what a sparsity
    schedule ends with is reached whatever the frequency.

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
        step = ops.cast(step, "int32")
        passed = step - self.begin_step
        due = ops.logical_and(passed >= 0, passed % self.frequency == 0)
        due = ops.logical_or(due, ops.equal(step, self._first))
        if self.end_step == -1:
            return due
        last = max(self.end_step, self._first)
        due = ops.logical_or(due, ops.equal(step, last))
        return ops.logical_and(due, step <= last)

    def decided_by(self, step: int, settings) -> int:
        """The first update with a decision at `step` or later; or the last."""
        if step <= self._first:
            return self._first
        turns = -(-(step - self.begin_step) // self.frequency)
        due = self.begin_step + turns * self.frequency
        last = due if self.end_step == -1 else self.end_step
        return max(min(due, last), self._first)

    @property
    def _first(self):
        return max(self.begin_step, 1)


@serialization.formerly("Coin")
@serialization.serializable
class Probabilistic(serialization.Serializable):
    """With probability (1 + gamma * step)^-power, until `stop_step`.

    After update 1, a decision is certain.

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
        due = ops.logical_or(toss < chance, ops.equal(step, 1))
        return ops.logical_and(due, now < settings["stop_step"])

    def decided_by(self, step: int, settings) -> int:
        """When decisions end; where they do not, the likely update."""
        stop = settings.get("stop_step", self.settings["stop_step"])
        return max(step, 1) if math.isinf(stop) else int(stop)


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

    def decided_by(self, step: int, settings) -> int:
        """When decisions end; where they do not, the first at `step`."""
        if self.stop_step is not None:
            return self.stop_step
        last = max(step, (self.stages - 1) * self.stage_steps + 1)
        steps = np.arange(max(step, 1), last + 1)
        return int(steps[np.asarray(self.due(steps, 0, {}))][0])
