"""Models whose layers are wrapped for pruning."""

from __future__ import annotations

import warnings

import keras

from tfprune.core import structures
from tfprune.graph import cloning
from tfprune.graph import leaves
from tfprune.graph import opening
from tfprune.graph import traversal
from tfprune.layers import prunable
from tfprune.layers import replacing
from tfprune.utils import layer_names
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
    names = {x: name for x, name in found.names.items() if x in fit}
    settings = {name: found.settings.get(name) for name in names.values()}
    settings = method.resolve_settings(model, settings)

    def wrapped(layer, clone):
        inside = [layer, *traversal.walk(layer)]
        chosen = [names[id(x)] for x in inside if id(x) in names]
        if not chosen:
            return clone
        own, axes = settings[chosen[0]], found.coupled_axes(layer)
        return prunable.Prunable(clone, method, own, coupled_axes=axes)

    pruned = cloning.clone(model, wrapped)
    for each in [pruned, *traversal.walk(pruned)]:
        if isinstance(each, keras.Model):
            replacing.refuse_model(each)
    return pruned, found.coupling


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
    """The `Prunable` layers of any model, by address.

    Raises:
        ValueError: if there are none.
    """
    found: dict[int, tuple] = {}
    for path, layer in traversal.paths(model):
        if isinstance(layer, prunable.Prunable):
            found.setdefault(id(layer.layer), (path, layer))
    if not found:
        raise ValueError(
            "`model` must have Prunable layers. Received: "
            f"model={model.name!r}, which has none. Call tfprune.prune first."
        )
    # A composite layer that is wrapped as one is no leaf.
    paths = {key: path for key, (path, _) in found.items()}
    paths |= {id(leaf.layer): leaf.path for leaf in leaves.leaves(model)}
    names = layer_names.shortest(list(paths.values()))
    by_id = dict(zip(paths, names, strict=True))
    return {by_id[key]: layer for key, (_, layer) in found.items()}
