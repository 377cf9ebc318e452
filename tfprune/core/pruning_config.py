"""What a file tells of pruning in place: enough to make its units again."""

from __future__ import annotations

import collections
import dataclasses
import typing

import keras

from tfprune.core import coupled_axis
from tfprune.core import units as units_lib


@dataclasses.dataclass(eq=False)
class Absent:
    """The place of a variable that a loaded optimizer has not been shown yet.

    Args:
        path: String.
        shape: Tuple of integers.
        dtype: String.
    """

    path: str
    shape: tuple
    dtype: str


def of(units: list[units_lib.Unit], variables: list) -> list[dict]:
    """The config of some units: a dict for each method.

    Args:
        units: List of `Unit`.
        variables: List of Keras variables, in which a file finds those whose
            paths are equal or change.
    """
    places = {id(v): i for i, v in enumerate(variables)}
    groups: dict[int, list] = collections.defaultdict(list)
    for unit in units:
        groups[id(unit.method)].append(unit)
    return [
        {
            "method": keras.saving.serialize_keras_object(own[0].method),
            "units": [_config(unit, places) for unit in own],
        }
        for own in groups.values()
    ]


def units(config: list, variables: list, add) -> list[units_lib.Unit]:
    """The units of a config, with fresh masks.

    Args:
        config: As `of` returns it.
        variables: List of Keras variables.
        add: Callable `(variable or Absent) -> add`, as `units.build` takes it.
    """
    found = []
    paths = by_path(variables)
    for group in config:
        method = keras.saving.deserialize_keras_object(group["method"])
        for own in group["units"]:
            targets = [_target(x, variables, paths) for x in own["of"]]
            found.append(
                units_lib.build(
                    own["name"],
                    method,
                    targets,
                    add(targets[0].variable),
                    frozen=own["frozen"],
                )
            )
    return found


def by_path(variables: typing.Iterable) -> dict[str, list]:
    """Variables by their paths, of which some may be equal."""
    found: dict[str, list] = collections.defaultdict(list)
    for variable in variables:
        found[variable.path].append(variable)
    return found


def _config(unit, places):
    return {
        "name": unit.name,
        "frozen": unit.frozen,
        "of": [
            {
                "path": target.variable.path,
                "place": places.get(id(target.variable)),
                "shape": list(target.variable.shape),
                "dtype": target.variable.dtype,
                "role": target.role,
                "groups": target.groups,
                "summed_axes": target.summed_axes,
                "coupled_axis": keras.saving.serialize_keras_object(
                    target.coupled_axis
                ),
            }
            for target in unit.targets
        ],
    }


def _target(config, variables, paths):
    shape = tuple(config["shape"])
    found = paths.get(config["path"], [])
    place = config["place"]
    if len(found) == 1:
        variable = found[0]
    elif place is not None and place < len(variables):
        variable = variables[place]
    else:
        variable = Absent(config["path"], shape, config["dtype"])
    if tuple(variable.shape) != shape:
        raise ValueError(
            f"Variable {config['path']!r} must have the shape {shape}, which "
            f"was pruned. Received: {variable.path!r} of shape "
            f"{tuple(variable.shape)}. A model that was quantized is loaded "
            "with compile=False."
        )
    axis = config["coupled_axis"]
    if isinstance(axis, dict):
        axis = keras.saving.deserialize_keras_object(axis)
    if axis is not None and not isinstance(axis, coupled_axis.CoupledAxis):
        raise ValueError(f"`coupled_axis` is damaged. Received: {axis!r}")
    summed = config["summed_axes"]
    return units_lib.InPlaceTarget(
        variable,
        config["role"],
        axis,
        config["groups"],
        None if summed is None else tuple(summed),
    )
