"""What a method prunes of a layer: which parts, variables and settings."""

from __future__ import annotations

import typing

import keras

from tfprune.core import units
from tfprune.layers import parts
from tfprune.utils import validation


class PartTargets(typing.NamedTuple):
    """What is decided together.

    Args:
        path: String, as of a `Part`.
        targets: List of `Target`, without mask and unit yet.
        settings: Dict, name to float.
    """

    path: str
    targets: list[units.Target]
    settings: dict


def of(layer: keras.layers.Layer, method, settings) -> list[PartTargets]:
    """The parts of a layer that a method fits.

    Args:
        layer: Keras layer, built.
        method: `Method`.
        settings: What `in_order` returned.

    Raises:
        ValueError: for no such part.
    """
    found = parts.of(layer)
    own = [settings] * len(found) if isinstance(settings, dict) else settings
    pruned = [
        PartTargets(part.path, _targets(method, part), values)
        for part, values in zip(found, own, strict=True)
        if values is not None and _fits(method, part)
    ]
    if not pruned:
        method.targets(layer)  # It knows why.
        validation.check("settings", own, False, "not None for some part")
    return pruned


def coupled(layer, method, axes: list, settings: dict) -> list[PartTargets]:
    """A layer whose channels are pruned with those of others.

    Args:
        layer: Keras layer, built.
        method: `Method`.
        axes: List of `CoupledAxis`.
        settings: Dict, name to float.
    """
    targets = [
        _target(layer, method, getattr(layer, axis.name), axis.role, axis)
        for axis in axes
    ]
    return [PartTargets("", targets, settings)]


def in_order(layer, method, settings):
    """The settings of a layer, a list where its parts have their own.

    A copy of the layer may give its parts other names.

    Args:
        layer: Keras layer, built.
        method: `Method`.
        settings: As `Prunable` takes them.

    Raises:
        ValueError: for the path of no part.
    """
    if isinstance(settings, list) or _is_of_all(method, settings):
        return settings
    paths = [part.path for part in parts.of(layer)]
    for path in settings:
        if path not in paths:
            raise ValueError(validation.unknown("settings", path, paths))
    return [settings.get(path, {}) for path in paths]


def _is_of_all(method, settings):
    known = settings.keys() <= method.pruner.settings.keys()
    return known and not any(isinstance(x, dict) for x in settings.values())


def _fits(method, part):
    if method.unsupported_reason(part.layer):
        return False
    return any(target.role == "kernel" for target in _targets(method, part))


def _targets(method, part):
    own = {id(variable) for variable in part.weights}
    return [
        _target(part.layer, method, variable, role)
        for variable, role in method.targets(part.layer)
        if id(variable) in own
    ]


def _target(layer, method, variable, role, axis=None):
    groups = getattr(layer, "groups", 1)
    summed_axes = method.summed_axes(layer, variable)
    return units.Target(variable, role, axis, groups, summed_axes)
