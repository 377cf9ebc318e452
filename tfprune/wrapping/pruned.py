"""The units of a pruned model, in place or wrapped, by the layers' addresses."""

from __future__ import annotations

import keras

from tfprune.core import units as units_lib
from tfprune.graph import traversal
from tfprune.layers import prunable
from tfprune.utils import layer_names


def units(model: keras.Model) -> dict[str, units_lib.Unit]:
    """The units of any model, by address.

    Raises:
        ValueError: if there are none.
    """
    found = {id(unit): unit for unit in units_lib.tagged(model.variables)}
    if not found:
        raise ValueError(
            "`model` must be pruned. Received: "
            f"model={model.name!r}, which is not. Call tfprune.prune first."
        )
    paths = {key: unit.name for key, unit in found.items()} | {
        id(layer.unit): path
        for path, layer in reversed(list(traversal.paths(model)))
        if isinstance(layer, prunable.Prunable)
    }
    names = layer_names.shortest(list(paths.values()))
    return dict(zip(names, found.values(), strict=True))
