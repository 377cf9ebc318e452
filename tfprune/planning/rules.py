"""Rules: the masks that the methods of a live model would decide."""

from __future__ import annotations

import dataclasses
import typing

import keras
import numpy as np
from keras import ops

from tfprune import backend
from tfprune.core import units as units_lib
from tfprune.optimizers import pruning_optimizer
from tfprune.utils import validation

# Decisions are those of a time when the method's sparsity schedule has ended.
_LATE = 2**30


@dataclasses.dataclass
class Rule:
    """One method of a model: its pruner, units, and what it remembers.

    Args:
        pruner: `Pruner`.
        units: List of `Unit`.
        state: List (units) of dicts of scalar variables.
        derived: List (units) of dicts, settings that come from the weights.
    """

    pruner: typing.Any
    units: list
    state: list[dict]
    derived: list[dict]

    @property
    def names(self) -> list[str]:
        """Names of the layers."""
        return [unit.name for unit in self.units]

    @property
    def known(self) -> dict:
        """The settings that the method has."""
        return self.pruner.settings

    @property
    def targets(self) -> list:
        """What is pruned, in the order of `masks`."""
        return [target for unit in self.units for target in unit.targets]

    def settings(self) -> dict[str, dict]:
        """Layer name to its settings, derived where it has none."""
        return {
            unit.name: {
                name: derived.get(name, value) if np.isnan(value) else value
                for name, value in unit.settings.items()
            }
            for unit, derived in zip(self.units, self.derived, strict=True)
        }

    def masks(self, setting: str, values: dict) -> list:
        """Pairs (mask variable, new mask) of each target.

        Args:
            setting: Name of a setting.
            values: Dict, layer name to its value, a scalar tensor. A layer
                that is not there, or frozen, or given NaN keeps its masks.
        """
        weights = [_read(unit, "variable") for unit in self.units]
        kept = [_read(unit, "mask") for unit in self.units]
        settings = [_with(unit, setting, values) for unit in self.units]
        state = [
            {name: backend.read(value) for name, value in own.items()}
            for own in self.state
        ]
        fresh = self.pruner.masks(state, weights, kept, _LATE, settings)
        return [
            pair
            for unit, old, new in zip(self.units, kept, fresh, strict=True)
            for pair in _chosen(unit, old, new, values.get(unit.name))
        ]


def rules(model: keras.Model) -> list[Rule]:
    """The rules of a model's methods.

    Raises:
        ValueError: if it has no `Prunable` layers, or two of one name.
    """
    units = units_lib.tagged(model.variables)
    names = [unit.name for unit in units]
    if not names or len(set(names)) < len(names):
        raise ValueError(
            "`model` must have Prunable layers, each with a name of its own. "
            f"Received: model={model.name!r} with {names or 'none'}. Call "
            "tfprune.prune first, and name layers apart."
        )
    _check_not_coupled(units)
    optimizer = _pruning_optimizer(model)
    if optimizer is None:
        return list(map(_fresh, pruning_optimizer.by_method(units)))
    if not optimizer.built:
        optimizer.build(model.trainable_variables)
    return [
        Rule(x.pruner, x.units, x.state, [{} for _ in x.units])
        for x in optimizer.groups
    ]


def masks(rules: list[Rule], setting: str, values: dict) -> list:
    """Pairs (mask variable, new mask) of all targets of some rules."""
    return [pair for rule in rules for pair in rule.masks(setting, values)]


def apply(rules: list[Rule], setting: str, values: dict) -> None:
    """Prunes a live model by the settings given, which it keeps.

    Args:
        rules: List of `Rule`.
        setting: Name of a setting.
        values: Dict, layer name to a number; NaN leaves a layer as it is.
    """
    given = {name: ops.convert_to_tensor(x) for name, x in values.items()}
    for variable, mask in masks(rules, setting, given):
        variable.assign(mask)
    for unit in [unit for rule in rules for unit in rule.units]:
        value = values.get(unit.name, np.nan)
        if not np.isnan(value):
            unit.settings[setting] = float(value)


def having(rules: list[Rule], setting: str) -> list[Rule]:
    """The rules whose method has a setting.

    Raises:
        ValueError: if none has, with the settings that there are.
    """
    found = [rule for rule in rules if setting in rule.known]
    if not found:
        known = sorted({name for rule in rules for name in rule.known})
        raise ValueError(validation.unknown("setting", setting, known))
    return found


def _check_not_coupled(units):
    names = [
        unit.name for unit in units if any(x.coupled_axis for x in unit.targets)
    ]
    if names:
        raise ValueError(
            "`model` must have masks of its own for each layer, to be given "
            "thresholds or searched. Received: layers whose filters are "
            f"coupled: {', '.join(names)}. Set `target_sparsity` in "
            "tfprune.settings, or give tfprune.prune a `budget`."
        )


def _pruning_optimizer(model):
    optimizer = getattr(model, "optimizer", None)
    while optimizer is not None:
        if isinstance(optimizer, pruning_optimizer.PruningOptimizer):
            return optimizer
        optimizer = getattr(optimizer, "inner_optimizer", None)
    return None


def _fresh(group):
    """The rule of a method that has not seen its weights yet."""
    weights = [
        [backend.to_numpy(target.variable) for target in unit.targets]
        for unit in group.units
    ]
    given = [dict(unit.settings) for unit in group.units]
    state, derived = group.pruner.build(weights, given)
    state = [
        {name: keras.Variable(x, dtype="float32") for name, x in own.items()}
        for own in state
    ]
    return Rule(group.pruner, group.units, state, derived)


def _read(unit, name):
    return [backend.read(getattr(target, name)) for target in unit.targets]


def _with(unit, setting, values):
    settings = unit.settings.tensors()
    return {**settings, setting: values.get(unit.name, settings[setting])}


def _chosen(unit, old, new, value):
    variables = [target.mask for target in unit.targets]
    if unit.frozen or value is None:
        return zip(variables, old, strict=True)
    stays = ops.isnan(value)
    decided = [ops.where(stays, *both) for both in zip(old, new, strict=True)]
    return zip(variables, decided, strict=True)
