"""CoupledPruner: channels of several layers, scored and masked as one.

Each entry along an axis of a variable belongs to a channel, a number. Channels
that the same kernels make are a dependency group. A group is shown to a pruner
as a unit of ordinary arrays, `(members, channels)`, so that no part of a method
knows of coupled channels.
"""

from __future__ import annotations

import collections
import functools

import numpy as np
from keras import ops

from tfprune.core import pruner as pruner_lib
from tfprune.core import pruner_view
from tfprune.core import structures

_MAKER = "kernel"


def over(pruner, units: list):
    """The pruner of some units: for coupled ones, one that joins them."""
    if not isinstance(pruner.structure, structures.CoupledFilter):
        return pruner
    if type(pruner).project is not pruner_lib.Pruner.project:
        raise ValueError(
            "`structure` must not be CoupledFilter where a method projects "
            f"weights after each step. Received: a {type(pruner).__name__}. "
            "Give it `structure=Filter()`."
        )
    return CoupledPruner(pruner, units)


class CoupledPruner(pruner_view.PrunerView):
    """Decides groups of coupled channels with a pruner of single layers.

    Its units are layers. What it remembers of a group it tells each layer that
    makes the group, a number for each of its channels. A group has the
    settings of the first of the layers that make it. It is decided when all of
    them are due.

    Args:
        pruner: `Pruner`, whose criterion says by its `roles` which arrays
            count.
        units: List of `Unit`.
    """

    def __init__(self, pruner, units):
        super().__init__(pruner)
        self._channels = _numbered(units)
        self._axes = [
            [_axis(target) for target in unit.targets] for unit in units
        ]
        roles = [[target.role for target in unit.targets] for unit in units]
        self._groups = _groups(roles, self._channels, pruner.criterion.roles)
        self._made = {
            unit: self._channels[unit][roles[unit].index(_MAKER)]
            for group in self._groups
            for unit in group.makers
        }
        for group in self._groups:
            made = self._made[group.makers[0]]
            group.places = _index(made, group.channels)[0]
        self._count = 1 + max(
            (
                channels.max(initial=-1)
                for own in self._channels
                for channels in own
            ),
            default=-1,
        )

    def build(self, weights, settings):
        state, _ = self._pruner.build(
            self._arranged(weights), self._joined(settings)
        )
        return self.told(state), settings

    def observe(self, state, weights, gradients):
        gradients = [
            [
                ops.zeros_like(weight) if gradient is None else gradient
                for weight, gradient in zip(*unit, strict=True)
            ]
            for unit in zip(weights, gradients, strict=True)
        ]
        state = self._pruner.observe(
            self.asked(state),
            self._arranged(weights),
            self._arranged(gradients),
        )
        return self.told(state)

    def update_masks(self, state, weights, masks, due, step, settings):
        due = ops.stack(
            [ops.all(ops.take(due, group.makers)) for group in self._groups]
        )
        fresh = self._pruner.update_masks(
            self.asked(state),
            self._arranged(weights),
            self._arranged(masks),
            due,
            step,
            self._joined(settings),
        )
        return self._spread(fresh, masks)

    def project(self, state, old, new, rate, settings):
        """The weights as they are: decisions alone are coupled."""
        return new

    def _arranged(self, arrays):
        """The arrays of each group, as `(members, channels)`."""
        return [
            [
                _columns(arrays[unit][target], self._axes[unit][target], index)
                for (unit, target), index in group.members.items()
            ]
            for group in self._groups
        ]

    def _joined(self, settings):
        """The settings of each group; NaN is none."""
        return [
            functools.reduce(_first, [settings[i] for i in group.makers])
            for group in self._groups
        ]

    def asked(self, state):
        """What is remembered of groups, from what their makers were told."""
        return [
            {
                name: ops.take(value, group.places)
                for name, value in state[group.makers[0]].items()
            }
            for group in self._groups
        ]

    def told(self, state):
        """What each layer is told: a number for each channel that it makes."""
        told: list[dict] = [{} for _ in self._channels]
        for name in state[0] if state else ():
            everything = self._of_all(
                ops.zeros(self._count + 1), [own[name] for own in state]
            )
            for unit, channels in self._made.items():
                told[unit][name] = ops.take(everything, channels)
        return told

    def _of_all(self, everything, of_groups):
        """An array of all channels with those of groups put in."""
        for group, own in zip(self._groups, of_groups, strict=True):
            begin, end = group.channels[0], group.channels[-1] + 1
            everything = ops.concatenate(
                [everything[:begin], own, everything[end:]]
            )
        return everything

    def _spread(self, decided, masks):
        """The masks of all layers from those of groups."""
        kept = self._of_all(
            ops.ones(self._count + 1, "bool"),  # The last: what stays.
            [ops.any(mask, axis=0) for mask, *_ in decided],
        )
        return [
            [
                _along(ops.take(kept, channels), axis, mask.shape)
                for channels, axis, mask in zip(*unit, strict=True)
            ]
            for unit in zip(self._channels, self._axes, masks, strict=True)
        ]


class _Group:
    """Channels that the same kernels make.

    Args:
        channels: Integer array, consecutive.
        makers: List of integers, the units with these kernels.
        members: Dict, (unit, target) to the columns of each channel, as
            `(repeats, channels)`.
        places: Integer array, where the first maker has each channel.
    """

    places: np.ndarray

    def __init__(self, channels, makers, members):
        self.channels, self.makers, self.members = channels, makers, members


def _axis(target):
    rank = len(target.variable.shape)
    return (
        rank - 1
        if target.coupled_axis is None
        else target.coupled_axis.axis % rank
    )


def _numbered(units):
    """The channels of each target; own ones where none are coupled.

    What stays has the number -1.
    """
    channels = [
        [
            target.coupled_axis and target.coupled_axis.channels
            for target in unit.targets
        ]
        for unit in units
    ]
    known = [own.max() for unit in channels for own in unit if own is not None]
    begin = 1 + max(known, default=-1)
    for unit, own in zip(units, channels, strict=True):
        if own and own[0] is None:
            size = _filters(unit)
            own[:] = [np.arange(begin, begin + size)] * len(own)
            begin += size
    return channels


def _filters(unit):
    """How many filters a layer has that is coupled to no other."""
    sizes = {target.variable.shape[-1] for target in unit.targets}
    if len(sizes) > 1:
        raise ValueError(
            f"Layer {unit.name!r} must have filters along the last axis of "
            f"all that is pruned of it. Received: sizes {sorted(sizes)}. "
            "Prune the model that it is in with tfprune.prune."
        )
    return sizes.pop()


def _groups(roles, channels, scored):
    """The groups, in the order of their first channels."""
    makers = collections.defaultdict(list)
    for unit, target in _places(roles):
        if roles[unit][target] == _MAKER:
            for channel in np.unique(channels[unit][target]):
                makers[channel].append((unit, target))
    makers.pop(-1, None)
    groups = collections.defaultdict(list)
    for channel, places in sorted(makers.items()):
        groups[tuple(places)].append(channel)
    return [
        _Group(
            np.array(own),
            list(dict.fromkeys(unit for unit, _ in places)),
            _members(np.array(own), roles, channels, scored),
        )
        for places, own in groups.items()
    ]


def _members(group, roles, channels, scored):
    """What belongs to a group of all that counts for scores."""
    return {
        (unit, target): _index(channels[unit][target], group)
        for unit, target in _places(roles)
        if roles[unit][target] in scored
        and np.isin(channels[unit][target], group).any()
    }


def _places(roles):
    return [(i, j) for i, own in enumerate(roles) for j in range(len(own))]


def _index(channels, group):
    """The places of each channel; the size where it has fewer.

    Returns:
        Integer array, `(repeats, channels of the group)`.
    """
    places = [np.flatnonzero(channels == channel) for channel in group]
    index = np.full((max(map(len, places)), group.size), channels.size)
    for column, own in enumerate(places):
        index[: own.size, column] = own
    return index


def _columns(array, axis, index):
    """The slices of an array along an axis, as an index wants them."""
    size = array.shape[axis]
    rows = ops.reshape(ops.moveaxis(array, axis, -1), (-1, size))
    if np.array_equal(index, np.arange(size)[None]):
        return rows
    if (index == size).any():  # Nothing there: zero, and not kept.
        rows = ops.concatenate([rows, ops.zeros_like(rows[:, :1])], axis=1)
    return ops.reshape(ops.take(rows, index, axis=1), (-1, index.shape[1]))


def _first(one, other):
    """Settings; those of the second where the first has none."""
    return {
        name: ops.where(ops.isnan(value), other[name], value)
        for name, value in one.items()
    }


def _along(vector, axis, shape):
    """An array of a shape that repeats a vector along one axis."""
    own = [1] * len(shape)
    own[axis] = -1
    return ops.broadcast_to(ops.reshape(vector, own), shape)
