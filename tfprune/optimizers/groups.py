"""Groups: the units that a method decides in one go."""

from __future__ import annotations

import dataclasses
import logging
import typing

from keras import ops

from tfprune import backend
from tfprune.core import pruning_config
from tfprune.core import selection
from tfprune.core import units as units_lib
from tfprune.ops import masking
from tfprune.optimizers import terms as terms_lib

_LOGGER = logging.getLogger("tfprune")


@dataclasses.dataclass
class Group:
    """The units of one method that stand at one step.

    Args:
        pruner: `Pruner`, or one of that interface.
        units: List of `Unit`.
        terms: List of `Bound`, the gradient terms of the method.
    """

    pruner: typing.Any
    units: list[units_lib.Unit]
    terms: list[terms_lib.Bound] = dataclasses.field(default_factory=list)

    @property
    def updates(self):
        """The variable of completed updates."""
        return self.units[0].updates

    @property
    def state(self) -> list[dict]:
        """What the method remembers of each unit: name to variable."""
        return [unit.memory for unit in self.units]

    @property
    def in_place(self) -> list:
        """The targets that are pruned in place, and train now."""
        return [
            target
            for unit in self.units
            for target in unit.targets
            if isinstance(target, units_lib.InPlaceTarget) and target.changes
        ]

    @property
    def is_frozen(self) -> bool:
        """Whether all masks are final."""
        return all(unit.frozen for unit in self.units)

    def weights(self) -> list[list]:
        """The values of variables now: tensors, by unit."""
        return self._read("variable")

    def masks(self) -> list[list]:
        """The masks now: tensors, by unit."""
        return self._read("mask")

    def memory(self) -> list[dict]:
        """What the method remembers of each unit now: name to tensor."""
        return [
            {name: backend.read(x) for name, x in values.items()}
            for values in self.state
        ]

    def all_terms(self) -> list[terms_lib.Bound]:
        """The gradient terms: those of the rule, too, until it is frozen."""
        rule = self.units[0].method.pruner.terms
        if not rule:
            return self.terms
        settings = units_lib.settings_of(self.units)
        return self.terms + [
            terms_lib.Bound(term, target.variable, own)
            for unit, own in zip(self.units, settings, strict=True)
            if not unit.frozen
            for term in rule
            for target in unit.targets
        ]

    def limits(self, due, step, settings):
        """As `Pruner.limits`, or None where something decides otherwise."""
        pruner = self.pruner
        fast = isinstance(getattr(pruner, "selection", None), _Hysteresis)
        if not fast or _overrides(type(pruner), "update_masks", "limits"):
            return None
        return pruner.limits(self.memory(), due, step, settings)

    def bind_terms(self) -> None:
        """Finds what the method's own gradient terms act on."""
        targets = [target for unit in self.units for target in unit.targets]
        kernels = terms_lib.by_layer([target.variable for target in targets])
        of = {id(target.variable): target.groups for target in targets}
        groups = {name: of[id(kernel)] for name, kernel in kernels.items()}
        self.terms = [
            bound
            for term in self.units[0].method.terms
            for bound in terms_lib.bind(term, kernels, groups)
        ]

    def _read(self, name):
        return [
            [backend.read(getattr(target, name)) for target in unit.targets]
            for unit in self.units
        ]


def by_method(tagged) -> list[Group]:
    """Groups units by equal methods: a loaded model has one copy each.

    Units that were pruned at another time are another group.
    """
    groups: list[Group] = []
    for unit in filter(_is_whole, tagged):
        for group in groups:
            if _go_together(group.units[0], unit):
                group.units.append(unit)
                break
        else:
            groups.append(Group(unit.method.pruner, [unit]))
    for group in groups:
        group.pruner = units_lib.pruner_of(group.units, _fast)
    return groups


def _is_whole(unit):
    """Not a part of it has been frozen since it was loaded."""
    absent = pruning_config.Absent
    return not any(isinstance(x.variable, absent) for x in unit.targets)


def _go_together(one, other):
    same = _number(one.updates) == _number(other.updates)
    return same and one.method == other.method


def _number(variable):
    return int(backend.to_numpy(variable))


def start(group):
    """Lets a method look at weights that were not trained yet."""
    if _number(group.updates):
        return
    weights = [[t.dense() for t in unit.targets] for unit in group.units]
    given = [dict(unit.settings) for unit in group.units]
    state, settings = group.pruner.build(weights, given)
    for unit, values, memory in zip(group.units, settings, state, strict=True):
        unit.settings.update(values)
        for key, value in memory.items():
            unit.memory[key].assign(value)
    if settings != given:
        names = [unit.name for unit in group.units]
        _LOGGER.info(group.pruner.describe(weights, settings, names))


def _overrides(cls, name, other):
    """Whether a class has a method from below the one that has another."""
    order = [
        next(i for i, x in enumerate(cls.__mro__) if y in vars(x))
        for y in (name, other)
    ]
    return order[0] < order[1]


def _fast(pruner):
    """A pruner that selects the same in less time."""
    kind = _FAST.get(type(pruner.selection))
    if kind is None:
        return pruner
    same = kind(**dataclasses.asdict(pruner.selection))
    return dataclasses.replace(pruner, selection=same)


@dataclasses.dataclass(frozen=True)
class _TopK(selection.TopK):
    """`TopK`, its bisection one graph for all units."""

    def top_k(self, scores, budget):
        budget = ops.cast(budget, "int32")
        shape = tuple(scores.shape)
        function = backend.shared(
            selection.top_k,
            (len(shape), scores.dtype),
            (len(budget.shape), budget.dtype),
        )
        return ops.reshape(function(scores, budget), shape)


@dataclasses.dataclass(frozen=True)
class _Hysteresis(selection.Hysteresis):
    """`Hysteresis`, in one pass over the weights."""

    def by_magnitude(self, weights, kept, lower, upper):
        return masking.hysteresis(weights, kept, lower, upper)


_FAST = {selection.TopK: _TopK, selection.Hysteresis: _Hysteresis}
