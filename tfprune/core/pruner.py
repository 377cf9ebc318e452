"""Pruner: joins the parts of a method into decisions.

Everything here is pure: state and masks come in, state and masks go out.
Lists run over units; a unit's weights and masks are lists over its arrays.
"""

from __future__ import annotations

import typing

import numpy as np
from keras import ops

from tfprune.core import allocation
from tfprune.core import criteria
from tfprune.core import grouped
from tfprune.core import masks as masks_lib
from tfprune.core import selection
from tfprune.core import sparsity_schedules
from tfprune.core import structures
from tfprune.core import update_schedules
from tfprune.utils import serialization
from tfprune.utils import validation


@serialization.formerly(timing="update_schedule", ramp="sparsity_schedule")
@serialization.serializable
class Pruner(serialization.Serializable):
    """Decides masks: score, share out, select, when the schedule says so.

    A method with a new rule overrides one of the steps below.

    Args:
        structure: `Structure`, the groups of weights that are pruned as one.
            Defaults to single weights.
        criterion: Scores groups of weights, the higher the more worth
            keeping. Defaults to the magnitude.
        allocation: How many groups of each unit stay. Defaults to the same
            share of every unit.
        update_schedule: When a unit is decided. Defaults to every 100 updates.
        sparsity_schedule: The sparsity wanted after so many updates. Defaults
            to 0.5 from the first decision on.
        selection: Which groups stay. Defaults to those of highest score.
        gradient: `"masked"`: pruned weights stay zero, or `"dense"`: they
            keep receiving gradients and may return. Defaults to `"masked"`.
    """

    structure: structures.Structure = structures.Unstructured()
    criterion: typing.Any = criteria.Magnitude()
    allocation: typing.Any = allocation.Uniform()
    update_schedule: typing.Any = update_schedules.Every()
    sparsity_schedule: typing.Any = sparsity_schedules.Constant()
    selection: typing.Any = selection.TopK()
    gradient: str = "masked"

    def __post_init__(self):
        known = self.gradient in ("masked", "dense")
        validation.check(
            "gradient", self.gradient, known, "'masked' or 'dense'"
        )

    # Whether `observe` and `project` are to be called: that costs a copy of
    # the weights in every step.
    needs_update_hooks = False

    @property
    def keeps_masked_values(self) -> bool:
        """Whether masked weights keep receiving gradients."""
        return self.gradient == "dense"

    @property
    def settings(self) -> dict[str, float]:
        """Names and defaults of what can be set for each layer."""
        return {**self.allocation.settings, **self.update_schedule.settings}

    @property
    def terms(self) -> tuple:
        """What this rule adds to gradients, until its masks are frozen.

        A tuple of functions `(gradient, weight, step, **own) -> gradient`:
        float tensors of one shape, the completed updates, and the settings
        of the layer, name to scalar.
        """
        return ()

    def build(self, weights, settings):
        """Looks at the weights once, before the first step.

        Args:
            weights: List (units) of lists of float arrays.
            settings: List (units) of dicts, name to float.

        Returns:
            The state, a list (units) of dicts of scalars, and the settings,
            completed where they are derived from the weights.
        """
        return [{} for _ in weights], settings

    def describe(self, weights, settings, names) -> str:
        """A text for the log on what `build` derived; empty for nothing."""
        return ""

    def budgets(self, state, scores, step, settings, shapes):
        """One budget or threshold for each unit."""
        sparsities = self._sparsities(step, settings)
        return self.allocation(scores, sparsities, shapes)

    def due(self, step, settings):
        """Which units are decided after an update.

        Args:
            step: Integer scalar tensor, completed updates.
            settings: List (units) of dicts, name to scalar.

        Returns:
            Bool tensor, `(units,)`.
        """
        names = self.update_schedule.settings
        own = {name: of_all(settings, name) for name in names}
        units = np.arange(len(settings))
        due = self.update_schedule.due(step, units, own)
        return ops.broadcast_to(due, units.shape)

    def update_masks(self, state, weights, masks, due, step, settings):
        """Decides the units that are due.

        Args:
            state: As `build` returned it.
            weights: List (units) of lists of float tensors.
            masks: The same with bool tensors.
            due: Bool tensor, `(units,)`.
            step: Integer scalar tensor, completed updates.
            settings: List (units) of dicts, name to scalar.

        Returns:
            The new masks, as `masks`.
        """
        if self.gradient == "masked":
            # Momentum may have moved what is pruned.
            weights = [
                list(map(masks_lib.select, *unit))
                for unit in zip(weights, masks, strict=True)
            ]
        fresh = self.masks(state, weights, masks, step, settings)
        return [
            [ops.where(now, a, b) for a, b in zip(*both, strict=True)]
            for now, *both in zip(ops.unstack(due), fresh, masks, strict=True)
        ]

    def limits(self, state, due, step, settings):
        """What decides each weight alone, or None where others count.

        Kept weights go where their magnitude is at most the lower limit,
        pruned ones return above the upper one. Limits of units that are not
        due are infinite.

        Args:
            state: As `build` returned it.
            due: Bool tensor, `(units,)`.
            step: Integer scalar tensor, completed updates.
            settings: List (units) of dicts, name to scalar.

        Returns:
            None, or two lists (units) of scalars: lower and upper.
        """
        return None

    def masks(self, state, weights, masks, step, settings):
        """Decides all units, due or not: pruned weights are zero."""
        join = self.structure.join
        shapes = [[array.shape for array in unit] for unit in weights]
        scores = self.scores(state, weights)
        kept = [grouped.reduced(ops.any, join(unit)) for unit in masks]
        budgets = self.budgets(state, scores, step, settings, shapes)
        kept = map(self.selection, scores, budgets, kept)
        return list(map(self.structure.split, kept, shapes))

    def scores(self, state, weights):
        """The score of each group, for each unit."""
        return [self.criterion(self.structure.join(unit)) for unit in weights]

    def observe(self, state, weights, gradients):
        """Sees the reduced gradients, before the inner optimizer's step.

        Args:
            state: As `build` returned it.
            weights: List (units) of lists of float tensors.
            gradients: The same with the terms of the method in them; None for
                a weight without a gradient.

        Returns:
            The new state.
        """
        return state

    def project(self, state, old, new, rate, settings):
        """The weights as this method wants them after a step.

        Args:
            state: As `build` returned it.
            old: List (units) of lists of float tensors, before the step.
            new: The same, after it.
            rate: Scalar, the learning rate of the step.
            settings: List (units) of dicts, name to scalar.
        """
        return new

    def final_sparsity(self, settings) -> float | None:
        """The sparsity that a unit is to have in the end, or None.

        It has none of its own where the model's is shared out between units,
        and where a rule of its own decides.

        Args:
            settings: Mapping, name to float, those of the unit.
        """
        cls = type(self)
        if cls.budgets is not Pruner.budgets or cls.masks is not Pruner.masks:
            return None
        wanted = self.sparsity_schedule.final_sparsity
        return self.allocation.of_unit(wanted, settings)

    def target_step(self, settings) -> int | None:
        """The update after which a unit has been decided at its target.

        None where the update schedule does not say.

        Args:
            settings: Mapping, name to float, those of the unit.
        """
        decided_by = getattr(self.update_schedule, "decided_by", None)
        if decided_by is None:
            return None
        return decided_by(self.sparsity_schedule.end_step, settings)

    def _sparsities(self, step, settings):
        """What each unit is to have: a float tensor, `(units,)`.

        One with a target of its own follows the schedule up to there.
        """
        sparsity = self.sparsity_schedule.sparsity(step)
        sparsity = ops.broadcast_to(sparsity, (len(settings),))
        if "target_sparsity" not in settings[0]:
            return sparsity
        targets = of_all(settings, "target_sparsity")
        final = self.sparsity_schedule.final_sparsity
        scaled = sparsity * targets / final if final else targets
        return ops.where(ops.isnan(targets), sparsity, scaled)


def of_all(settings: list[dict], name: str):
    """One setting of all units: a float32 tensor, `(units,)`."""
    return ops.stack([ops.cast(own[name], "float32") for own in settings])
