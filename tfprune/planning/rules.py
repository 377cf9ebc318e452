"""Rules: the masks that the methods of a live model would decide."""

from __future__ import annotations

import dataclasses
import typing

import keras
import numpy as np
from keras import ops

from tfprune import backend
from tfprune.core import units as units_lib
from tfprune.graph import pruned
from tfprune.optimizers import groups
from tfprune.utils import validation

# Decisions are those of a time when the method's sparsity schedule has ended.
_LATE = 2**30


@dataclasses.dataclass
class Rule:
    """One method of a model: its pruner and units.

    Args:
        pruner: `Pruner`.
        units: Dict, the address of a layer to its `Unit`.
        derived: List (units) of dicts, settings that come from the weights.
    """

    pruner: typing.Any
    units: dict[str, units_lib.Unit]
    derived: list[dict]

    @property
    def known(self) -> dict:
        """The settings that the method has."""
        return self.pruner.settings

    @property
    def targets(self) -> list[units_lib.Target]:
        """What is pruned, in the order of `masks`."""
        return [x for unit in self.units.values() for x in unit.targets]

    def settings(self) -> dict[str, dict]:
        """Address of a layer to its settings, derived where it has none."""
        return {
            address: {
                name: derived.get(name, value) if np.isnan(value) else value
                for name, value in unit.settings.items()
            }
            for (address, unit), derived in zip(
                self.units.items(), self.derived, strict=True
            )
        }

    def masks(self, setting: str, values: dict) -> list[tuple]:
        """Pairs (target, new mask).

        Args:
            setting: Name of a setting.
            values: Dict, address of a layer to its value, a scalar tensor. A
                layer that is not there, or frozen, or given NaN keeps its
                masks.
        """
        units = self.units.values()
        weights = [list(map(_learning, unit.targets)) for unit in units]
        kept = [[backend.read(x.mask) for x in unit.targets] for unit in units]
        settings = [
            _with(unit, setting, values.get(address))
            for address, unit in self.units.items()
        ]
        memory = [
            {name: backend.read(value) for name, value in unit.memory.items()}
            for unit in units
        ]
        due = ops.ones(len(settings), "bool")
        fresh = self.pruner.update_masks(
            memory, weights, kept, due, _LATE, settings
        )
        return [
            pair
            for (address, unit), old, new in zip(
                self.units.items(), kept, fresh, strict=True
            )
            for pair in _chosen(unit, old, new, values.get(address))
        ]


def rules(model: keras.Model) -> list[Rule]:
    """The rules of a model's methods.

    Raises:
        ValueError: if it is not pruned, or by filters that are coupled.
    """
    units = pruned.units(model)
    _check_not_coupled(units)
    addresses = {id(unit): address for address, unit in units.items()}
    return [
        Rule(
            group.pruner,
            {addresses[id(unit)]: unit for unit in group.units},
            _derived(group),
        )
        for group in groups.by_method(units.values())
    ]


def masks(rules: list[Rule], setting: str, values: dict) -> list[tuple]:
    """Pairs (target, new mask) of all targets of some rules."""
    return [pair for rule in rules for pair in rule.masks(setting, values)]


def substitute(target: units_lib.Target, mask) -> tuple:
    """The pair (variable, tensor) that gives a forward pass another mask."""
    if isinstance(target, units_lib.InPlaceTarget):
        value = _learning(target)
        return target.variable, ops.where(mask, value, ops.zeros_like(value))
    return target.mask, mask


def apply(rules: list[Rule], setting: str, values: dict) -> None:
    """Prunes a live model by the settings given, which it keeps.

    Args:
        rules: List of `Rule`.
        setting: Name of a setting.
        values: Dict, address of a layer to a number; NaN leaves a layer as it
            is.
    """
    given = {name: ops.convert_to_tensor(x) for name, x in values.items()}
    for target, mask in masks(rules, setting, given):
        target.assign(target.dense(), backend.to_numpy(mask))
    for rule in rules:
        for address, unit in rule.units.items():
            value = values.get(address, np.nan)
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
        address
        for address, unit in units.items()
        if any(x.coupled_axis for x in unit.targets)
    ]
    if names:
        raise ValueError(
            "`model` must have masks of its own for each layer, to be given "
            "thresholds or searched. Received: layers whose filters are "
            f"coupled: {', '.join(names)}. Set `target_sparsity` in "
            "tfprune.settings, or give tfprune.prune a `budget`."
        )


def _derived(group):
    """What a method that has seen no step derives from the weights of now.

    What it remembers of them is made known to its units, as an optimizer does
    before the first step.
    """
    if int(backend.to_numpy(group.updates)):
        return [{} for _ in group.units]
    weights = [[x.dense() for x in unit.targets] for unit in group.units]
    given = [dict(unit.settings) for unit in group.units]
    memory, derived = group.pruner.build(weights, given)
    for unit, own in zip(group.units, memory, strict=True):
        for name, value in own.items():
            unit.memory[name].assign(value)
    return derived


def _learning(target):
    """The values that learn, masked ones included, as a tensor."""
    value = backend.read(target.variable)
    if target.hidden is None:
        return value
    return ops.where(
        backend.read(target.mask), value, backend.read(target.hidden)
    )


def _with(unit, setting, value):
    settings = units_lib.settings_of([unit])[0]
    return settings if value is None else {**settings, setting: value}


def _chosen(unit, old, new, value):
    if unit.frozen or value is None:
        return zip(unit.targets, old, strict=True)
    stays = ops.isnan(value)
    decided = [ops.where(stays, *both) for both in zip(old, new, strict=True)]
    return zip(unit.targets, decided, strict=True)
