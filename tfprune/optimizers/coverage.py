"""Coverage: an optimizer that prunes has all that is pruned together."""

from __future__ import annotations


def check(units: list, variables: list) -> None:
    """Refuses units of which only a part is to be trained by an optimizer.

    Several optimizers that prune, as in a `MultiOptimizer` around them, would
    each decide what is decided together, and count each other's updates.

    Args:
        units: List of `Unit`.
        variables: List of the Keras variables that the optimizer trains.

    Raises:
        ValueError: if one of their variables trains and is not there.
    """
    known = {id(variable) for variable in variables}
    for unit in units:
        for target in unit.targets:
            variable = target.variable
            trains = getattr(variable, "trainable", False)
            if trains and id(variable) not in known:
                raise ValueError(
                    "`variables` must have all that is pruned and trains. "
                    f"Received: without {variable.path!r} of layer "
                    f"{unit.name!r}. Put a MultiOptimizer inside of one "
                    "PruningOptimizer, not around several; for layers that do "
                    "not train, set `layer.trainable = False`."
                )
