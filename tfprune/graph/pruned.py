"""The units of a pruned model, in place or wrapped, by address."""

from __future__ import annotations

import keras

from tfprune.core import units as units_lib
from tfprune.graph import leaves
from tfprune.optimizers import model_state


def units(model: keras.Model) -> dict[str, units_lib.Unit]:
    """The units of any model, by address.

    Raises:
        ValueError: if there are none.
    """
    found = units_if_any(model)
    if not found:
        raise ValueError(
            "`model` must be pruned. Received: "
            f"model={model.name!r}, which is not. Call tfprune.prune first."
        )
    return found


def units_if_any(model: keras.Model) -> dict[str, units_lib.Unit]:
    """The units of any model, by address, maybe none."""
    model_state.recover(model)
    found: dict[int, tuple] = {}
    for leaf in leaves.leaves(model):
        for unit in units_lib.tagged(leaf.weights):
            found.setdefault(id(unit), (leaf.address, unit))
    return dict(found.values())


def units_by(
    model: keras.Model, kind: type, name: str
) -> dict[str, units_lib.Unit]:
    """The units that pruners of one kind decide, by address.

    Args:
        model: Keras model.
        kind: Subclass of `Pruner`.
        name: String, of the method, for errors.

    Raises:
        ValueError: if there are none.
    """
    found = {
        address: unit
        for address, unit in units_if_any(model).items()
        if isinstance(unit.method.pruner, kind)
    }
    if not found:
        raise ValueError(
            f"`model` must be pruned by {name}. Received: "
            f"model={model.name!r}, which has no layer that is."
        )
    return found


def hidden_variables(model: keras.Model) -> list:
    """The variables of what pruning in place knows, which no layer holds."""
    weights = set(map(id, model.weights))
    found = [
        x
        for unit in units_lib.tagged(model.variables)
        for x in unit.variables
        if id(x) not in weights
    ]
    # Units that were pruned together share a count of updates.
    return list({id(x): x for x in found}.values())
