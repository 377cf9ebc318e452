"""strip: masks are applied to the weights, and wrappers removed."""

from __future__ import annotations

import keras

from tfprune.graph import cloning
from tfprune.graph import traversal
from tfprune.layers import prunable


def strip(model: keras.Model) -> keras.Model:
    """Makes an ordinary Keras model that predicts the same, bit for bit.

    Args:
        model: Sequential or Functional model with `Prunable` layers.

    Returns:
        A clone with zeros in the place of masks. It needs no tfprune.
    """
    traversal.check_clonable(model, "strip")
    return cloning.clone(model, _bare)


def check_stripped(model: keras.Model, verb: str) -> None:
    """Raises unless a model can be cloned and has no `Prunable` layers."""
    traversal.check_clonable(model, verb)
    if any(isinstance(x, prunable.Prunable) for x in traversal.walk(model)):
        raise ValueError(
            "`model` must have no Prunable layers. Received: "
            f"model={model.name!r}, which has. Call tfprune.strip first."
        )


def _bare(layer, copied):
    if not isinstance(copied, prunable.Prunable):
        return copied
    copied.freeze()
    bare = cloning.copy(layer.layer)
    for old, new in zip(copied.layer.variables, bare.variables, strict=True):
        new.assign(old)
    return bare
