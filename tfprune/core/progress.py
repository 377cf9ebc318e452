"""How far pruning has come, in words: targets, what is reached, and why."""

from __future__ import annotations

import collections
import math

import numpy as np
from keras import ops

_MOST_NAMES = 5


def shortfalls(units: list) -> list[str]:
    """A line for all units with one target and one reason not to be there.

    `"target 90.0 %, reached 27.1 %: 120 of 1000 updates are done (a, b)"`

    Args:
        units: List of `Unit`.
    """
    groups: dict[tuple, list] = collections.defaultdict(list)
    for unit in units:
        reason = _reason(unit)
        if reason is not None:
            groups[(_target(unit), reason)].append(unit)
    return [
        f"{_share(target, own)}: {reason} ({names(own)})"
        for (target, reason), own in groups.items()
    ]


def undecided(units: list) -> list:
    """The units whose masks no step has decided, nor anyone else."""
    return [
        unit
        for unit in units
        if not unit.frozen and not _updates(unit) and not _zeros([unit])
    ]


def overwritten(units: list) -> list:
    """The units in place with weights that masks should have made zero."""
    return [
        unit
        for unit in units
        if unit.owner is not None and any(map(_is_overwritten, unit.targets))
    ]


def names(units: list) -> str:
    """The names of some units, as text."""
    listed = ", ".join(unit.name for unit in units[:_MOST_NAMES])
    more = len(units) - _MOST_NAMES
    return f"{listed} and {more} more" if more > 0 else listed


def _is_overwritten(target):
    value = ops.convert_to_numpy(target.variable)
    return bool(np.any(value[~ops.convert_to_numpy(target.mask)]))


def _reason(unit):
    """Why a unit is not at its target, or None."""
    if unit.frozen:
        return None
    step = unit.method.pruner.target_step(dict(unit.settings))
    done = _updates(unit)
    if step is not None and done >= step:
        return None
    if not any(target.variable.trainable for target in unit.targets):
        return "it does not train"
    if not done:
        return "no step with a tfprune.PruningOptimizer was made"
    return step and f"{done} of {step} updates are done"


def _target(unit):
    return unit.method.pruner.final_sparsity(dict(unit.settings))


def _share(target, units):
    reached = f"reached {_zeros(units) / _size(units):.1%}"
    known = target is not None and not math.isnan(target)
    return f"target {target:.1%}, {reached}" if known else reached


def _updates(unit):
    return int(ops.convert_to_numpy(unit.updates))


def _masks(units):
    return [ops.convert_to_numpy(t.mask) for u in units for t in u.targets]


def _zeros(units):
    return sum(mask.size - np.count_nonzero(mask) for mask in _masks(units))


def _size(units):
    return max(sum(mask.size for mask in _masks(units)), 1)
