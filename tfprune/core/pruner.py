"""Pruner: joins the parts of a method into decisions.

Everything here is pure: state and masks come in, state and masks go out.
Lists run over units; a unit's weights and masks are lists over its arrays.
"""

from __future__ import annotations

import functools
import typing

from keras import ops

from tfprune.core import allocation
from tfprune.core import criteria
from tfprune.core import masks as masks_lib
from tfprune.core import selection
from tfprune.core import sparsity_schedules
from tfprune.core import structures
from tfprune.core import update_schedules
from tfprune.utils import serialization
from tfprune.utils import validation


@serialization.serializable
class Pruner(serialization.Serializable):
    """Decides masks: score, share out, select, where the timing says so.

    A method with a new rule overrides one of the steps below.

    Args:
        structure: What lives and dies together. Defaults to single weights.
        criterion: What is worth keeping. Defaults to the magnitude.
        allocation: How much of each unit. Defaults to the same of all.
        timing: When. Defaults to every 100 updates.
        ramp: How much by now. Defaults to half, at once.
        selection: Which groups stay. Defaults to the best.
        gradient: `"masked"`: what is pruned stays zero, or `"dense"`: it
            goes on learning and may return. Defaults to `"masked"`.
    """

    structure: structures.Structure = structures.Unstructured()
    criterion: typing.Any = criteria.Magnitude()
    allocation: typing.Any = allocation.Uniform()
    timing: typing.Any = update_schedules.Every()
    ramp: typing.Any = sparsity_schedules.Constant()
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
    def hides(self) -> bool:
        """Whether what is masked goes on learning, out of sight."""
        return self.gradient == "dense"

    @property
    def settings(self) -> dict[str, float]:
        """Names and defaults of what can be set for each layer."""
        return {**self.allocation.settings, **self.timing.settings}

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
        """Returns what to tell the user about settings that `build` derived."""
        return ""

    def budgets(self, state, scores, step, settings, shapes):
        """Returns one budget or threshold for each unit."""
        sparsity = self.ramp.sparsity(step)
        wanted = [self._own_sparsity(sparsity, own) for own in settings]
        return self.allocation(scores, wanted, shapes)

    def decide(self, state, weights, masks, step, settings):
        """Decides the units that are due.

        Args:
            state: As `build` returned it.
            weights: List (units) of lists of float tensors.
            masks: The same with bool tensors.
            step: Integer scalar tensor, completed updates.
            settings: List (units) of dicts, name to scalar.

        Returns:
            The new masks, as `masks`.
        """
        due = self.due(step, settings)

        def update_masks():
            return self.update_masks(state, weights, masks, due, step, settings)

        anything = functools.reduce(ops.logical_or, due)
        return ops.cond(anything, update_masks, lambda: masks)

    def due(self, step, settings):
        """Returns a bool scalar for each unit: whether it is decided now."""
        return [
            self.timing.due(step, unit, own)
            for unit, own in enumerate(settings)
        ]

    def update_masks(self, state, weights, masks, due, step, settings):
        """Returns new masks of the units that are due, old ones of others."""
        fresh = self.masks(state, weights, masks, step, settings)
        return [
            [ops.where(now, a, b) for a, b in zip(*both, strict=True)]
            for now, *both in zip(due, fresh, masks, strict=True)
        ]

    def masks(self, state, weights, masks, step, settings):
        """Decides all units, due or not."""
        if self.gradient == "masked":
            # Momentum may have moved what is pruned.
            weights = [
                list(map(masks_lib.select, *unit))
                for unit in zip(weights, masks, strict=True)
            ]
        join = self.structure.join
        shapes = [[array.shape for array in unit] for unit in weights]
        scores = self.scores(state, weights)
        kept = [ops.any(join(unit), axis=1) for unit in masks]
        budgets = self.budgets(state, scores, step, settings, shapes)
        kept = map(self.selection, scores, budgets, kept)
        return list(map(self.structure.split, kept, shapes))

    def scores(self, state, weights):
        """Returns the score of each group, for each unit."""
        return [self.criterion(self.structure.join(unit)) for unit in weights]

    def observe(self, state, weights, gradients):
        """Takes note of reduced gradients, before the inner optimizer's step.

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
        """Returns the weights as this method wants them after a step.

        Args:
            state: As `build` returned it.
            old: List (units) of lists of float tensors, before the step.
            new: The same, after it.
            rate: Scalar, the learning rate of the step.
            settings: List (units) of dicts, name to scalar.
        """
        return new

    def _own_sparsity(self, sparsity, settings):
        """A unit with a target of its own follows the ramp up to there."""
        target = settings.get("target_sparsity")
        if target is None:
            return sparsity
        final = self.ramp.final_sparsity
        scaled = sparsity * target / final if final else target
        return ops.where(ops.isnan(target), sparsity, scaled)
