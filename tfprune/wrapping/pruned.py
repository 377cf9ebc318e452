"""The units of a pruned model, in place or wrapped, by layers' addresses."""

from __future__ import annotations

import keras

from tfprune.core import units as units_lib
from tfprune.graph import leaves


def units(model: keras.Model) -> dict[str, units_lib.Unit]:
    """The units of any model, by address.

    Raises:
        ValueError: if there are none.
    """
    found: dict[int, tuple] = {}
    for leaf in leaves.leaves(model):
        for unit in units_lib.tagged(leaf.weights):
            found.setdefault(id(unit), (leaf.address, unit))
    if not found:
        raise ValueError(
            "`model` must be pruned. Received: "
            f"model={model.name!r}, which is not. Call tfprune.prune first."
        )
    return dict(found.values())
