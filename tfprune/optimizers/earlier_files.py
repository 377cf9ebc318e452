"""Files of versions in which optimizers held what methods remember."""

from __future__ import annotations

import typing

from tfprune.core import coupled_pruner


def remember(groups: list, values: typing.Iterable) -> None:
    """Gives what methods remember to the units that hold it now.

    Args:
        groups: List of `Group`.
        values: Arrays, in the order of groups, their units and names.
    """
    left = iter(values)
    for group in groups:
        held = group.state
        joins = isinstance(group.pruner, coupled_pruner.CoupledPruner)
        if joins:
            held = group.pruner.asked(held)
        state = [dict(zip(own, left, strict=False)) for own in held]
        if joins:
            state = group.pruner.told(state)
        for memory, own in zip(group.state, state, strict=True):
            for name, value in own.items():
                memory[name].assign(value)
