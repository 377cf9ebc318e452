"""Units and targets: how a wrapper layer and an optimizer find each other.

The wrapper tags each variable that is pruned with its `Target`; an optimizer
reads the tag. Neither knows the other, nothing is found by name or position.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import typing

import numpy as np

TAG = "pruning_target"


@dataclasses.dataclass(eq=False)
class Unit:
    """What is decided together: by default, the arrays of one layer.

    Args:
        name: Name of the layer.
        method: The `Method` that decides.
        settings: `Settings`, what was set for this unit.
        updates: Integer variable: completed updates at the last step taken.
        frozen: Bool: the masks are final.
        targets: List of `Target`, in the order of the layer's variables.
    """

    name: str
    method: typing.Any
    settings: Settings
    updates: typing.Any
    frozen: bool = False
    targets: list[Target] = dataclasses.field(default_factory=list)

    @property
    def gradient(self) -> str:
        """`"masked"`: what is pruned stays zero; `"dense"`: it may return."""
        return "masked" if self.frozen else self.method.pruner.gradient

    @property
    def keeps_masked_values(self) -> bool:
        """Whether masked weights keep receiving gradients."""
        return not self.frozen and self.method.pruner.keeps_masked_values


@dataclasses.dataclass(eq=False)
class Target:
    """The tag of a variable that is pruned.

    Args:
        variable: The float variable.
        mask: The bool variable of the same shape.
        role: `"kernel"` or `"bias"`, or another one of `CoupledAxis`.
        unit: The `Unit` it belongs to.
        coupled_axis: `CoupledAxis`, its channels that are pruned with those of
            other layers, or None.
        groups: Integer, of the convolution whose kernel it is, or 1.
        summed_axes: Tuple of integers, the axes that a pruner is shown as the
            last one but one, or None: it is shown the variable as it is.
    """

    variable: typing.Any
    mask: typing.Any
    role: str
    unit: Unit
    coupled_axis: typing.Any = None
    groups: int = 1
    summed_axes: tuple[int, ...] | None = None


class Settings(collections.abc.MutableMapping):
    """The settings of one layer, live: reads and writes one variable.

    Args:
        names: Sequence of strings.
        variable: Float variable, `(len(names),)`, or None without names.
    """

    def __init__(self, names, variable):
        self._names, self._variable = tuple(names), variable

    def __getitem__(self, name: str) -> float:
        return float(np.asarray(self._variable)[self._index(name)])

    def __setitem__(self, name: str, value: float) -> None:
        values = np.array(self._variable)
        values[self._index(name)] = value
        self._variable.assign(values)

    def __delitem__(self, name: str) -> None:
        raise TypeError(f"Setting {name!r} can be changed, not deleted.")

    def __iter__(self):
        return iter(self._names)

    def __len__(self):
        return len(self._names)

    def __repr__(self):
        return repr(dict(self))

    def tensors(self) -> dict:
        """Scalar tensors by name, to be read inside of a training step."""
        return {
            name: self._variable[index]
            for index, name in enumerate(self._names)
        }

    def _index(self, name: str) -> int:
        if name not in self._names:
            raise KeyError(
                f"no setting {name!r} for this method; it has: "
                f"{', '.join(self._names) or 'none'}"
            )
        return self._names.index(name)


def tagged(variables) -> list[Unit]:
    """The units of the tagged ones among some Keras variables."""
    units = {}
    for variable in variables:
        target = getattr(variable, TAG, None)
        if target is not None:
            units[id(target.unit)] = target.unit
    return list(units.values())
