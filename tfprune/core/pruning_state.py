"""PruningState: what pruning in place knows of a model, beside its variables.

It is plain values and variables that no layer holds, so that neither layers nor
their files change. Files have masks packed into bits, and hidden values of
masked weights only.
"""

from __future__ import annotations

import math
import typing

import keras
import numpy as np
from keras import ops

from tfprune.core import mask_constraint
from tfprune.core import pruning_config
from tfprune.core import units as units_lib

_ABSENT = pruning_config.Absent


class PruningState:
    """The units of a model that is pruned in place.

    Args:
        units: List of `Unit`.
    """

    def __init__(self, units: typing.Iterable = ()):
        self.units: list[units_lib.Unit] = []
        # What an optimizer that is not built will have been built on.
        self.beside: list[keras.Variable] = []
        # What to do where a file has other masks final than there were.
        self.refrozen: typing.Callable = lambda: None
        self.extend(units)

    def extend(self, units: typing.Iterable) -> None:
        """Takes units, and tags and guards their variables."""
        for unit in units:
            unit.owner = self
            self.units.append(unit)
            for target in unit.targets:
                if not isinstance(target.variable, _ABSENT):
                    _bind(target, target.variable)

    def adopt(self, variables: typing.Iterable) -> None:
        """Takes the variables that were not there when it was loaded."""
        by_path = pruning_config.by_path(variables)
        for unit in self.units:
            for target in unit.targets:
                if isinstance(target.variable, _ABSENT):
                    found = by_path.get(target.variable.path, [])
                    if len(found) == 1:
                        _bind(target, found[0])

    @property
    def absent(self) -> list[str]:
        """The names of units with variables that it has not been shown."""
        return [
            unit.name
            for unit in self.units
            if any(isinstance(x.variable, _ABSENT) for x in unit.targets)
        ]

    def forget(self, units: list) -> None:
        """Makes the values of some units final, and takes their tags away."""
        for unit in list(units):
            unit.owner.units.remove(unit)
            for target in unit.targets:
                if not isinstance(target.variable, _ABSENT):
                    value = ops.convert_to_numpy(target.variable)
                    mask = ops.convert_to_numpy(target.mask)
                    target.variable.assign(np.where(mask, value, 0))
                    mask_constraint.release(target)
                    delattr(target.variable, units_lib.TAG)

    def take_values(self) -> None:
        """Makes values that were loaded without masks those that learn."""
        for unit in self.units:
            for target in unit.targets:
                if not isinstance(target.variable, _ABSENT):
                    value = ops.convert_to_numpy(target.variable)
                    target.assign(value, ops.convert_to_numpy(target.mask))

    @property
    def is_pruned(self) -> bool:
        """Whether anything is masked."""
        masks = [t.mask for unit in self.units for t in unit.targets]
        return not all(np.all(ops.convert_to_numpy(x)) for x in masks)

    @property
    def variables(self) -> dict[str, keras.Variable]:
        """All variables by names that are the same in each process."""
        found: dict[str, keras.Variable] = {}
        for i, unit in enumerate(self.units):
            found[f"{i}_updates"] = unit.updates
            found[f"{i}_settings"] = unit.settings.variable
            for key, value in unit.memory.items():
                found[f"{i}_memory_{key}"] = value
            for j, target in enumerate(unit.targets):
                found[f"{i}_{j}_mask"] = target.mask
                if target.hidden is not None:
                    found[f"{i}_{j}_hidden"] = target.hidden
        return found

    def write(self, store) -> None:
        """Writes all into a store of Keras, which is like a dict."""
        for i, unit in enumerate(self.units):
            store[f"{i}_frozen"] = np.array(unit.frozen)
        for key, variable in self.variables.items():
            value = ops.convert_to_numpy(variable)
            if key.endswith("_mask"):
                value = np.packbits(value)
            elif key.endswith("_hidden"):
                value = value[~self._mask(key)]
            store[key] = value

    def read(self, values: dict) -> None:
        """Reads what `write` wrote.

        Raises:
            ValueError: and changes nothing, where it is of another model or
                method.
        """
        flags = {f"{i}_frozen" for i in range(len(self.units))}
        expected = {*self.variables, *flags}
        if set(values) != expected:
            raise ValueError(
                "The file must hold the pruning of this model. Received: one "
                f"that has {_difference(set(values), expected)}. Was it saved "
                "by another model, or pruned by another method?"
            )
        self._check_sizes(values)
        for i, unit in enumerate(self.units):
            frozen = bool(np.array(values[f"{i}_frozen"]))
            if frozen != unit.frozen:
                unit.frozen = frozen
                self.refrozen()
        # Masks tell where hidden values are.
        for key in sorted(self.variables, key=lambda x: x.endswith("_hidden")):
            self._read(key, np.array(values[key]))

    def get_config(self, variables: list) -> list[dict]:
        """What is to be known to make it again beside the same variables.

        Args:
            variables: List of Keras variables, those of the optimizer; none
                if it is not built.
        """
        return pruning_config.of(self.units, variables or self.beside)

    @classmethod
    def from_config(cls, config: list, variables: list, add) -> PruningState:
        """Makes it again: see `pruning_config.units`."""
        return cls(pruning_config.units(config, variables, add))

    def _mask(self, key):
        name = f"{key.removesuffix('_hidden')}_mask"
        return ops.convert_to_numpy(self.variables[name])

    def _check_sizes(self, values):
        for key, variable in self.variables.items():
            size = math.prod(variable.shape)
            if key.endswith("_mask"):
                size = -(-size // 8)
            fits = np.size(values[key]) == size or key.endswith("_hidden")
            if not fits:
                raise ValueError(
                    "The file must hold the pruning of this model. Received: "
                    f"{np.size(values[key])} entries of {key}, expected "
                    f"{size}. Was it saved by a model of other shapes?"
                )

    def _read(self, key, value):
        variable = self.variables[key]
        shape = tuple(variable.shape)
        if key.endswith("_mask"):
            bits = np.unpackbits(value, count=math.prod(shape))
            value = bits.reshape(shape).astype(bool)
        elif key.endswith("_hidden"):
            whole = np.zeros(shape, value.dtype)
            whole[~self._mask(key)] = value
            value = whole
        variable.assign(value)


def _bind(target, variable):
    target.variable = variable
    setattr(variable, units_lib.TAG, target)
    mask_constraint.guard(target)


def _difference(received, expected):
    missing = sorted(expected - received)[:3]
    more = sorted(received - expected)[:3]
    parts = [f"no {', '.join(missing)}" if missing else ""]
    parts += [f"{', '.join(more)} more" if more else ""]
    return " and ".join(part for part in parts if part)


def joined(states: typing.Iterable[PruningState]) -> PruningState:
    """A state of the units of several models, which keep their own."""
    whole = PruningState()
    whole.units = [unit for state in states for unit in state.units]
    return whole
