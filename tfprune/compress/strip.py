"""strip: masks become zeros of the weights, and nothing else is left."""

from __future__ import annotations

import keras

from tfprune.graph import cloning
from tfprune.graph import traversal
from tfprune.layers import prunable
from tfprune.optimizers import model_state


def strip(model: keras.Model) -> keras.Model:
    """Makes masks final: an ordinary Keras model that predicts the same.

    Args:
        model: Keras model that is pruned, in place or with `Prunable` layers.

    Returns:
        The model itself, with zeros in the place of masks, and compiled with
        the optimizer that was inside of the `PruningOptimizer`. Of a model with
        `Prunable` layers a clone without, which is not compiled. It needs no
        tfprune.

    Raises:
        ValueError: for a subclassed model with `Prunable` layers.
    """
    traversal.check_built(model, "strip")
    if is_wrapped(model):
        traversal.check_clonable(model, "strip")
        return cloning.clone(model, _bare)
    model_state.forget(model)
    return model


def check_stripped(model: keras.Model, verb: str) -> None:
    """Raises unless a model can be cloned and has no `Prunable` layers."""
    traversal.check_clonable(model, verb)
    if is_wrapped(model):
        raise ValueError(
            "`model` must have no Prunable layers. Received: "
            f"model={model.name!r}, which has. Call tfprune.strip first."
        )


def is_wrapped(model: keras.Model) -> bool:
    """Tells whether a model has `Prunable` layers."""
    return any(isinstance(x, prunable.Prunable) for x in traversal.walk(model))


def _bare(layer, copied):
    if not isinstance(copied, prunable.Prunable):
        return copied
    copied.freeze()
    bare = cloning.copy(layer.layer)
    for old, new in zip(copied.layer.variables, bare.variables, strict=True):
        new.assign(old)
    return bare
