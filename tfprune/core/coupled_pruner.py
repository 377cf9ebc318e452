"""tied: filters of several layers that are scored and masked as one.

Each entry along an axis of a variable belongs to a tie, a number. Ties that
the same kernels make are a family. A family is shown to a pruner as a unit of
ordinary arrays, `(members, ties)`, so that no part of a method knows of ties.
"""

from __future__ import annotations

import collections
import functools

import numpy as np
from keras import ops

from tfprune.core import structures

_MAKER = "kernel"


def over(pruner, units: list):
    """Returns the pruner of some units: for tied ones, one that joins them."""
    if not isinstance(pruner.structure, structures.CoupledFilter):
        return pruner
    return CoupledPruner(pruner, units)


class CoupledPruner:
    """Decides families of ties with a pruner that knows of layers alone.

    It has the interface of a `Pruner`, for units that are layers. State is
    that of families. What a family has set is what the first layer of those
    that make it has set. It is decided when all of them are due.

    Args:
        pruner: `Pruner`, whose criterion says by its `roles` which arrays
            count.
        units: List of `Unit`.
    """

    def __init__(self, pruner, units):
        self._pruner = pruner
        self._ties = _numbered(units)
        self._axes = [
            [_axis(target) for target in unit.targets] for unit in units
        ]
        roles = [[target.role for target in unit.targets] for unit in units]
        self._families = _families(roles, self._ties, pruner.criterion.roles)
        self._count = 1 + max(
            (ties.max(initial=-1) for own in self._ties for ties in own),
            default=-1,
        )

    @property
    def gradient(self):
        return self._pruner.gradient

    @property
    def needs_update_hooks(self):
        return self._pruner.needs_update_hooks

    def build(self, weights, settings):
        state, _ = self._pruner.build(
            self._arranged(weights), self._joined(settings)
        )
        return state, settings

    def observe(self, state, weights, gradients):
        gradients = [
            [
                ops.zeros_like(weight) if gradient is None else gradient
                for weight, gradient in zip(*unit, strict=True)
            ]
            for unit in zip(weights, gradients, strict=True)
        ]
        return self._pruner.observe(
            state, self._arranged(weights), self._arranged(gradients)
        )

    def due(self, step, settings):
        return self._pruner.due(step, settings)

    def update_masks(self, state, weights, masks, due, step, settings):
        due = [
            functools.reduce(ops.logical_and, [due[i] for i in family.makers])
            for family in self._families
        ]
        fresh = self._pruner.update_masks(
            state,
            self._arranged(weights),
            self._arranged(masks),
            due,
            step,
            self._joined(settings),
        )
        return self._spread(fresh, masks)

    def project(self, state, old, new, rate, settings):
        """Returns the weights as they are: decisions alone are tied."""
        return new

    def _arranged(self, arrays):
        """Returns the arrays of each family, as `(members, ties)`."""
        return [
            [
                _columns(arrays[unit][target], self._axes[unit][target], index)
                for (unit, target), index in family.members.items()
            ]
            for family in self._families
        ]

    def _joined(self, settings):
        """Returns the settings of each family; NaN is none."""
        return [
            functools.reduce(_first, [settings[i] for i in family.makers])
            for family in self._families
        ]

    def _spread(self, decided, masks):
        """Returns the masks of all layers from those of families."""
        kept = ops.ones(self._count + 1, "bool")  # The last: what stays.
        for family, (mask, *_) in zip(self._families, decided, strict=True):
            begin, end = family.ties[0], family.ties[-1] + 1
            own = ops.any(mask, axis=0)
            kept = ops.concatenate([kept[:begin], own, kept[end:]])
        return [
            [
                _along(ops.take(kept, ties), axis, mask.shape)
                for ties, axis, mask in zip(*unit, strict=True)
            ]
            for unit in zip(self._ties, self._axes, masks, strict=True)
        ]


class _Family:
    """Ties that the same kernels make.

    Args:
        ties: Integer array, consecutive.
        makers: List of integers, the units with these kernels.
        members: Dict, (unit, target) to the columns of each tie, as
            `(repeats, ties)`.
    """

    def __init__(self, ties, makers, members):
        self.ties, self.makers, self.members = ties, makers, members


def _axis(target):
    rank = len(target.variable.shape)
    return rank - 1 if target.tied is None else target.tied.axis % rank


def _numbered(units):
    """Returns the ties of each target; layers that are not tied get own ones.

    What stays has the number -1.
    """
    ties = [
        [target.tied and target.tied.ties for target in unit.targets]
        for unit in units
    ]
    known = [own.max() for unit in ties for own in unit if own is not None]
    begin = 1 + max(known, default=-1)
    for unit, own in zip(units, ties, strict=True):
        if own and own[0] is None:
            size = _filters(unit)
            own[:] = [np.arange(begin, begin + size)] * len(own)
            begin += size
    return ties


def _filters(unit):
    """Returns how many filters a layer has that is tied to no other."""
    sizes = {target.variable.shape[-1] for target in unit.targets}
    if len(sizes) > 1:
        raise ValueError(
            f"Layer {unit.name!r} must have filters along the last axis of "
            f"all that is pruned of it. Received: sizes {sorted(sizes)}. "
            "Prune the model that it is in with tfprune.prune."
        )
    return sizes.pop()


def _families(roles, ties, scored):
    """Returns the families, in the order of their first ties."""
    makers = collections.defaultdict(list)
    for unit, target in _places(roles):
        if roles[unit][target] == _MAKER:
            for tie in np.unique(ties[unit][target]):
                makers[tie].append((unit, target))
    makers.pop(-1, None)
    families = collections.defaultdict(list)
    for tie, places in sorted(makers.items()):
        families[tuple(places)].append(tie)
    return [
        _Family(
            np.array(own),
            list(dict.fromkeys(unit for unit, _ in places)),
            _members(np.array(own), roles, ties, scored),
        )
        for places, own in families.items()
    ]


def _members(family, roles, ties, scored):
    """Returns what belongs to a family of all that counts for scores."""
    return {
        (unit, target): _index(ties[unit][target], family)
        for unit, target in _places(roles)
        if roles[unit][target] in scored
        and np.isin(ties[unit][target], family).any()
    }


def _places(roles):
    return [(i, j) for i, own in enumerate(roles) for j in range(len(own))]


def _index(ties, family):
    """Returns the places of each tie; one beyond the last where it has fewer.

    Returns:
        Integer array, `(repeats, ties of the family)`.
    """
    places = [np.flatnonzero(ties == tie) for tie in family]
    index = np.full((max(map(len, places)), family.size), ties.size)
    for column, own in enumerate(places):
        index[: own.size, column] = own
    return index


def _columns(array, axis, index):
    """Returns the slices of an array along an axis, as an index wants them."""
    size = array.shape[axis]
    rows = ops.reshape(ops.moveaxis(array, axis, -1), (-1, size))
    if np.array_equal(index, np.arange(size)[None]):
        return rows
    if (index == size).any():  # Nothing there: zero, and not kept.
        rows = ops.concatenate([rows, ops.zeros_like(rows[:, :1])], axis=1)
    return ops.reshape(ops.take(rows, index, axis=1), (-1, index.shape[1]))


def _first(one, other):
    """Returns settings, those of the second where the first has none."""
    return {
        name: ops.where(ops.isnan(value), other[name], value)
        for name, value in one.items()
    }


def _along(vector, axis, shape):
    """Returns an array of a shape that repeats a vector along one axis."""
    own = [1] * len(shape)
    own[axis] = -1
    return ops.broadcast_to(ops.reshape(vector, own), shape)
