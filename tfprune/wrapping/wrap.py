"""Models whose layers are wrapped for pruning."""

from __future__ import annotations

import collections
import warnings

import keras

from tfprune.core import structures
from tfprune.graph import cloning
from tfprune.graph import opening
from tfprune.graph import traversal
from tfprune.layers import prunable
from tfprune.wrapping import coupling
from tfprune.wrapping import layer_selection


def wrap(
    model: keras.Model, method, filters
) -> tuple[keras.Model, coupling.Coupling | None]:
    """A clone of a model whose layers are `Prunable` where a method fits.

    Args:
        model: Sequential or Functional model, which is not changed.
        method: `Method`.
        filters: As `tfprune.prune` takes them. None: what does not fit is
            listed in a warning.

    Returns:
        The clone, and its coupled channels where the method prunes those.

    Raises:
        ValueError: as `tfprune.prune`.
    """
    traversal.check_clonable(model, "prune")
    if isinstance(method.pruner.structure, structures.CoupledFilter):
        model = _opened(model, method)
    found = layer_selection.choose(method, model, filters)
    if all(found.reasons):
        raise ValueError(
            f"`model` has nothing that `method={method.name}` can prune. "
            f"Received: model={model.name!r} with the layers{found}"
        )
    if filters is None and found.skipped():
        warnings.warn(
            f"{method.name} skips these layers:{found.skipped()}",
            stacklevel=3,
        )
    fit = found.fit
    names = [layer.name for layer in found.layers if id(layer) in fit]
    settings = {name: found.settings.get(name) for name in names}
    settings = method.resolve_settings(model, settings)

    def wrapped(layer, clone):
        if id(layer) not in fit:
            return clone
        own, axes = settings[layer.name], found.coupled_axes(layer)
        return prunable.Prunable(clone, method, own, coupled_axes=axes)

    return cloning.clone(model, wrapped), found.coupling


def _opened(model, method):
    """The model with composite layers as models, whose filters are coupled."""
    opened, names = opening.open_composites(model)
    if names:
        warnings.warn(
            f"{method.name} prunes what is in these layers, which become "
            f"Functional models: {', '.join(names)}",
            stacklevel=4,
        )
    return opened


def prunable_layers(model: keras.Model) -> dict[str, prunable.Prunable]:
    """The `Prunable` layers of any model, by name.

    Where layers of nested models share a name, it is `outer/name`.

    Raises:
        ValueError: if there are none.
    """
    found: dict[int, tuple] = {}
    for path, layer in traversal.paths(model):
        if isinstance(layer, prunable.Prunable):
            found.setdefault(id(layer), (path, layer))
    if not found:
        raise ValueError(
            "`model` must have Prunable layers. Received: "
            f"model={model.name!r}, which has none. Call tfprune.prune first."
        )
    names = collections.Counter(layer.name for _, layer in found.values())
    return {
        layer.name if names[layer.name] == 1 else path: layer
        for path, layer in found.values()
    }
