"""Units and targets: how a pruned model and an optimizer find each other.

Each variable that is pruned is tagged with its `Target`, by the wrapper around
its layer or by what prunes a model in place; an optimizer reads the tag. They
do not know each other, nothing is found by name or position.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import math
import typing

import numpy as np
from keras import ops

from tfprune.core import arranged_pruner
from tfprune.core import coupled_pruner
from tfprune.core import structures

TAG = "pruning_target"


@dataclasses.dataclass(eq=False)
class Unit:
    """What is decided together: by default, the arrays of one layer.

    Args:
        name: The layer's address: its name, or `outer/name`.
        method: The `Method` that decides.
        settings: `Settings`, what was set for this unit.
        updates: Integer variable: completed updates since it was pruned.
        frozen: Bool: the masks are final.
        targets: List of `Target`, in the order of the layer's variables.
        memory: Dict, name to a float variable: what the method remembers.
        owner: The `PruningState` it belongs to, or None for wrapped layers.
    """

    name: str
    method: typing.Any
    settings: Settings
    updates: typing.Any
    frozen: bool = False
    targets: list[Target] = dataclasses.field(default_factory=list)
    memory: dict = dataclasses.field(default_factory=dict)
    owner: typing.Any = None

    @property
    def gradient(self) -> str:
        """`"masked"`: what is pruned stays zero; `"dense"`: it may return."""
        return "masked" if self.frozen else self.method.pruner.gradient

    @property
    def keeps_masked_values(self) -> bool:
        """Whether masked weights keep receiving gradients."""
        return not self.frozen and self.method.pruner.keeps_masked_values

    @property
    def variables(self) -> list:
        """All that it has beside the weights."""
        masks = [target.mask for target in self.targets]
        hidden = [x.hidden for x in self.targets if x.hidden is not None]
        own = [self.updates, self.settings.variable]
        return [*own, *self.memory.values(), *masks, *hidden]

    def freeze(self, kinds=(structures.Unstructured(),)) -> None:
        """Makes the masks final and clears what is pruned.

        Args:
            kinds: Structures: only groups of these kinds of which nothing is
                left stay out. Defaults to single weights.
        """
        self.frozen = True
        for target in self.targets:
            mask = ops.convert_to_numpy(target.mask)
            cleared = np.where(mask, target.dense(), 0)
            stays = structures.connected(mask, kinds, target.groups)
            target.assign(cleared, ops.convert_to_numpy(stays))


@dataclasses.dataclass(eq=False)
class Target:
    """The tag of a variable that is pruned, which has all that learns.

    Args:
        variable: The float variable.
        role: `"kernel"` or `"bias"`, or another one of `CoupledAxis`.
        coupled_axis: `CoupledAxis`, its channels that are pruned with those of
            other layers, or None.
        groups: Integer, of the convolution whose kernel it is, or 1.
        summed_axes: Tuple of integers, the axes that a pruner is shown as the
            last one but one, or None: it is shown the variable as it is.
        mask: The bool variable of the same shape.
        unit: The `Unit` it belongs to.
        hidden: Float variable, what is masked and goes on learning, where it
            is apart, or None. Entries that are not masked mean nothing.
    """

    variable: typing.Any
    role: str
    coupled_axis: typing.Any = None
    groups: int = 1
    summed_axes: tuple[int, ...] | None = None
    mask: typing.Any = None
    unit: typing.Any = None
    hidden: typing.Any = None

    @property
    def changes(self) -> bool:
        """Whether training changes it: moving means are no weights."""
        return self.variable.trainable or self.role == "mean"

    def dense(self) -> np.ndarray:
        """The values that learn, masked ones included."""
        return ops.convert_to_numpy(self.variable)

    def assign(self, value, mask) -> None:
        """Takes values that learn, and a mask, between two steps."""
        self.variable.assign(value)
        self.mask.assign(mask)


@dataclasses.dataclass(eq=False)
class InPlaceTarget(Target):
    """The tag of a variable that is zero where it is masked.

    What goes on learning there is in `hidden`, if the method wants it.
    """

    # How many steps are in `mask_constraint.released` now.
    releases: int = 0
    # What the last step of an optimizer left: `ops.masking.Left`.
    left: typing.Any = None

    def dense(self):
        value = super().dense()
        if self.hidden is None:
            return value
        mask, hidden = map(ops.convert_to_numpy, (self.mask, self.hidden))
        # Between the halves of a step that failed, the variable has it all.
        is_learning = not np.any(hidden[~mask])
        return value if is_learning else np.where(mask, value, hidden)

    def assign(self, value, mask):
        super().assign(np.where(mask, value, 0), mask)
        if self.hidden is not None:
            self.hidden.assign(value)


def build(
    name: str,
    method,
    targets: list[Target],
    add: typing.Callable,
    given: dict | None = None,
    frozen: bool = False,
) -> Unit:
    """Makes a unit of targets: its variables, and the tags.

    Args:
        name: String.
        method: `Method`.
        targets: List of `Target`, without mask and unit yet.
        add: Callable `(name, dtype, value, shape) -> variable`.
        given: Dict, what this unit has other than the method's defaults.
        frozen: Bool. Defaults to False.
    """
    known = {**method.pruner.settings, **(given or {})}
    values = [math.nan if x is None else float(x) for x in known.values()]
    variable = add("settings", "float32", values, (len(values),))
    updates = add("updates", "int32", 0, ())
    settings = Settings(method.pruner.settings, variable)
    unit = Unit(name, method, settings, updates, frozen, targets)
    for i, target in enumerate(targets):
        shape = tuple(target.variable.shape)
        target.mask = add(f"mask_{i}", "bool", True, shape)
        is_in_place = isinstance(target, InPlaceTarget)
        # Frozen ones, too: files of both are alike.
        if is_in_place and method.pruner.keeps_masked_values:
            dtype = target.variable.dtype
            target.hidden = add(f"hidden_{i}", dtype, 0, shape)
        target.unit = unit
    # A layer may be built inside of a graph, where no variable is read.
    start = dict(zip(known, values, strict=True))
    for key, value in _forgotten(unit, start).items():
        value = np.asarray(value, "float32")
        unit.memory[key] = add(f"memory_{key}", "float32", value, value.shape)
    return unit


def pruner_of(units: list[Unit], change: typing.Callable = lambda x: x):
    """The pruner of units of one method: what it is shown fits their layers.

    Args:
        units: List of `Unit`.
        change: Callable, `Pruner` to the one that decides in its place.
    """
    pruner = coupled_pruner.over(change(units[0].method.pruner), units)
    return arranged_pruner.over(pruner, units)


def tag(unit: Unit) -> None:
    """Tags the variables of a unit."""
    for target in unit.targets:
        setattr(target.variable, TAG, target)


def _forgotten(unit, known):
    """What a method remembers of weights that it has not seen."""
    zeros = [np.zeros(t.variable.shape, "float32") for t in unit.targets]
    pruner = pruner_of([unit])
    return pruner.build([zeros], [known])[0][0]


def masked(variable) -> np.ndarray:
    """The value of a variable with its mask, if any, applied."""
    value = ops.convert_to_numpy(variable)
    target = getattr(variable, TAG, None)
    if target is None:
        return value
    mask = ops.convert_to_numpy(target.mask)
    return np.where(mask, value, value.dtype.type(0))


class Settings(collections.abc.MutableMapping):
    """The settings of one layer, live: reads and writes one variable.

    Args:
        names: Sequence of strings.
        variable: Float variable, `(len(names),)`, or None without names.
    """

    def __init__(self, names, variable):
        self._names, self.variable = tuple(names), variable

    def __getitem__(self, name: str) -> float:
        return float(np.asarray(self.variable)[self._index(name)])

    def __setitem__(self, name: str, value: float) -> None:
        values = np.array(self.variable)
        values[self._index(name)] = value
        self.variable.assign(values)

    def __delitem__(self, name: str) -> None:
        raise TypeError(f"Setting {name!r} can be changed, not deleted.")

    def __iter__(self):
        return iter(self._names)

    def __len__(self):
        return len(self._names)

    def __repr__(self):
        return repr(dict(self))

    def _index(self, name: str) -> int:
        if name not in self._names:
            raise KeyError(
                f"no setting {name!r} for this method; it has: "
                f"{', '.join(self._names) or 'none'}"
            )
        return self._names.index(name)


def settings_of(units: list[Unit]) -> list[dict]:
    """What is set for units of one method: scalar tensors by name, for each.

    It is to be read inside of a training step.
    """
    names = list(units[0].settings)
    if not names:
        return [{} for _ in units]
    rows = ops.stack([unit.settings.variable.value for unit in units])
    values = iter(ops.unstack(ops.reshape(rows, (-1,))))
    return [{name: next(values) for name in names} for _ in units]


def tagged(variables) -> list[Unit]:
    """The units of the tagged ones among some Keras variables."""
    units = {}
    for variable in variables:
        target = getattr(variable, TAG, None)
        if target is not None:
            units[id(target.unit)] = target.unit
    return list(units.values())
