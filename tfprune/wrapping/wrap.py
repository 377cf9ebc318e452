"""Models whose layers are wrapped for pruning."""

from __future__ import annotations

import warnings

import keras

from tfprune.graph import cloning
from tfprune.graph import traversal
from tfprune.layers import parts
from tfprune.layers import prunable
from tfprune.layers import replacing
from tfprune.wrapping import selecting


def wrap(model: keras.Model, method, filters) -> keras.Model:
    """A clone of a model whose layers are `Prunable` where a method fits.

    Args:
        model: Sequential or Functional model, which is not changed.
        method: `Method`.
        filters: As `tfprune.prune` takes them. None: what does not fit is
            listed in a warning.

    Raises:
        ValueError: as `tfprune.prune`.
    """
    traversal.check_clonable(model, "wrap the layers of")
    selected = selecting.select(model, method, filters)
    if selected.opened.names:
        warnings.warn(
            f"{method.name} prunes what is in these layers, which become "
            f"Functional models: {', '.join(selected.opened.names)}",
            stacklevel=3,
        )
    settings = {
        id(leaf.layer): selected.settings[leaf.address] or {}
        for leaf in selected.leaves
    }

    def wrapped(layer, clone):
        if not isinstance(layer, keras.layers.Layer):
            return clone
        own = [settings.get(id(x.layer)) for x in parts.of(layer)]
        if all(values is None for values in own):
            return clone
        axes = selected.found.coupled_axes(layer)
        given = own[0] if len(own) == 1 else own
        return prunable.Prunable(clone, method, given, coupled_axes=axes)

    pruned = cloning.clone(selected.opened.model, wrapped)
    for each in [pruned, *traversal.walk(pruned)]:
        if isinstance(each, keras.Model):
            replacing.refuse_model(each)
    return pruned
