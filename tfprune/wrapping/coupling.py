"""Coupling: which layers' channels a method scores and masks together."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np

from tfprune.compress.filters import channel_graph
from tfprune.core import coupled_axis
from tfprune.core import units

# Where arrays of the first role are masked, those of the second are, too.
_ALSO_MASKED = {"kernel": "scale", "gamma": "mean"}


@dataclasses.dataclass(frozen=True, eq=False)
class Coupling:
    """Which channels of a model are pruned together.

    Args:
        graph: `ChannelGraph` of the model.
        free: Bool array, `(graph.count,)`, the channels that are pruned.
        axes: Dict, id of a layer to its list of `CoupledAxis`.
        stay: Dict, id of a layer that makes filters, none of which may go,
            to why.
    """

    graph: channel_graph.ChannelGraph
    free: np.ndarray
    axes: dict
    stay: dict


def couple(
    model: keras.Model, method, unsupported: dict, fixed: set
) -> Coupling:
    """Which channels of a model are coupled, which stay, and why.

    A channel stays if a layer that makes it is not pruned, if one that it goes
    through is not to change, if it may not be removed, or if there is nothing
    that the method could score it by.

    Args:
        model: Sequential or Functional model.
        method: `Method` with the structure `CoupledFilter`.
        unsupported: Dict, id of a layer to why its own filters stay.
        fixed: Set of ids of layers that must stay as they are.
    """
    graph = channel_graph.channel_graph(model)
    maskable = [_MaskableAxis(axis, _role(axis)) for axis in graph.axes]
    maskable = [axis for axis in maskable if axis.role]
    free = _free(graph, maskable, method, unsupported, fixed)
    numbers = _numbers(graph, free)
    numbers[numbers >= 0] += _first(model)
    axes: dict[int, list] = {}
    stay: dict[int, str] = {}
    for axis in maskable:
        channels = numbers[axis.channels]
        if (channels < 0).all():
            if axis.role == "kernel":
                stay[id(axis.layer)] = _why(graph, axis, unsupported)
        elif axis.role in _covered(method.roles):
            coupled = coupled_axis.CoupledAxis.of(
                axis.name, axis.role, axis.axis, channels
            )
            axes.setdefault(id(axis.layer), []).append(coupled)
    return Coupling(graph, free, axes, stay)


def check_settings(layers: dict, axes: dict, settings: dict) -> None:
    """Raises if layers whose filters are coupled have different settings.

    Args:
        layers: Dict, address to layer.
        axes: Dict, as `Coupling` has it.
        settings: Dict, address to settings.
    """
    seen: dict[int, tuple] = {}
    for address, layer in layers.items():
        own = settings.get(address)
        made = [x for x in axes.get(id(layer), ()) if x.role == "kernel"]
        for channel in np.unique([x.channels for x in made]) if own else ():
            name, known = seen.setdefault(channel, (address, own))
            if known != own:
                raise ValueError(
                    "`settings` of layers whose filters are coupled must be "
                    f"equal. Received: {name!r}: {known}, {address!r}: "
                    f"{own}. Give them to one of these layers alone."
                )


class _MaskableAxis:
    """An axis of a channel graph that may be masked, and its role there."""

    def __init__(self, axis, role):
        self.role, self.name = role, axis.variable.name
        self.axis, self.channels = axis.axis, axis.channels
        self.layer = axis.layer


def _role(axis):
    """The role of what is masked with a channel, or None."""
    name = axis.variable.name
    if axis.role == "filter":
        return "kernel"
    if name == "moving_mean":  # Without a gamma it is what a zero turns into.
        is_last = axis.layer.gamma is None and axis.layer.beta is not None
        return "mean" if is_last else None
    if name in ("bias", "beta", "gamma"):
        return name
    return "scale" if axis.role == "scale" and "kernel" in name else None


def _is_own(axis):
    """Whether the layer itself holds the variable, not one inside of it."""
    return getattr(axis.layer, axis.variable.name, None) is axis.variable


def _covered(roles):
    return {
        *roles,
        *(_ALSO_MASKED[role] for role in roles if role in _ALSO_MASKED),
    }


def _free(graph, maskable, method, unsupported, fixed):
    """Bools: whether a channel can be scored, and all of it masked."""
    scored = np.zeros(graph.count, bool)
    roles = _covered(method.roles) & set(method.pruner.criterion.roles)
    for axis in maskable:
        if axis.role in roles:
            scored[axis.channels] = True
    free = graph.free & scored
    for axis in graph.axes:
        if axis.role == "filter" and not _is_own(axis):
            free[axis.channels] = False
    for axis in maskable:
        is_unsupported = axis.role == "kernel" and id(axis.layer) in unsupported
        if is_unsupported or id(axis.layer) in fixed:
            free[axis.channels] = False
    return free


def _numbers(graph, free):
    """A number for each channel, in a row for those of a group."""
    numbers, count = np.full(graph.count, -1), 0
    for group in graph.groups(free):
        size = group.channels.size
        numbers[group.channels] = np.arange(count, count + size)
        count += size
    return numbers


def _first(model):
    """The first number that no channel of a model has yet."""
    known = [
        target.coupled_axis.channels.max()
        for unit in units.tagged(model.variables)
        for target in unit.targets
        if target.coupled_axis is not None
    ]
    return 1 + max(known, default=-1)


def _why(graph, axis, unsupported):
    """Why all filters of a layer stay."""
    if id(axis.layer) in unsupported:
        return unsupported[id(axis.layer)]
    for barrier in graph.barriers:
        if np.isin(axis.channels, barrier.channels).any():
            return f"none of its filters may go: {barrier.reason}"
    return "its filters are coupled to a layer that stays, or can't be scored"
