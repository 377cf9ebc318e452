"""Coverage: an optimizer that prunes has all that is decided together."""

from __future__ import annotations

from tfprune.core import allocation
from tfprune.core import structures

_SHARED_OUT = (allocation.ErdosRenyiKernel, allocation.Global)


def check(units: list, variables: list) -> None:
    """Refuses a part of what is decided together.

    Several optimizers, as in a `MultiOptimizer` around them, may each train
    whole layers, but not share one, nor layers that share a sparsity or
    filters.

    Args:
        units: List of `Unit`.
        variables: List of the Keras variables that the optimizer trains.

    Raises:
        ValueError: if a variable that trains is missing.
    """
    known = {id(variable) for variable in variables}
    mine = [unit for unit in units if any(_trains(unit, known))]
    for unit in units:
        if unit in mine or any(_go_together(unit, other) for other in mine):
            missing = [
                target.variable
                for target in unit.targets
                if getattr(target.variable, "trainable", False)
                and id(target.variable) not in known
            ]
            if missing:
                raise ValueError(_text(missing[0], unit))


def _trains(unit, known):
    return [id(target.variable) in known for target in unit.targets]


def _go_together(one, other):
    pruner = one.method.pruner
    return one.method == other.method and (
        isinstance(pruner.allocation, _SHARED_OUT)
        or isinstance(pruner.structure, structures.CoupledFilter)
    )


def _text(variable, unit):
    return (
        "`variables` must have all that is pruned together and trains. "
        f"Received: without {variable.path!r} of layer {unit.name!r}. Put a "
        "MultiOptimizer inside of one PruningOptimizer, not around several; "
        "for layers that do not train, set `layer.trainable = False`."
    )
