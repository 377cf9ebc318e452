"""strip: masks become zeros of the weights, and nothing else is left."""

from __future__ import annotations

import warnings

import keras

from tfprune.core import progress
from tfprune.core import units
from tfprune.graph import cloning
from tfprune.graph import traversal
from tfprune.layers import prunable
from tfprune.layers import replacing
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

    Warns:
        UserWarning: of layers whose masks were never decided.
    """
    traversal.check_built(model, "strip")
    warn_of_undecided(model)
    if is_wrapped(model):
        return unwrapped(model)
    model_state.forget(model)
    replacing.refuse_in_place(model)
    return model


def unwrapped(model: keras.Model) -> keras.Model:
    """A clone without `Prunable` layers, its weights as masks leave them."""
    traversal.check_clonable(model, "strip")
    return cloning.clone(model, _bare)


def check_stripped(model: keras.Model, verb: str) -> None:
    """Raises unless a model can be cloned and has no `Prunable` layers."""
    traversal.check_clonable(model, verb)
    if is_wrapped(model):
        raise ValueError(
            "`model` must have no Prunable layers. Received: "
            f"model={model.name!r}, which has. Call tfprune.strip first."
        )


def warn_of_undecided(model: keras.Model) -> None:
    """Warns of layers that were to be pruned and are as they were."""
    found = progress.undecided(units.tagged(model.variables))
    if found:
        warnings.warn(
            "masks were never decided, and nothing is pruned: train with "
            "tfprune.PruningOptimizer, or call tfprune.decide: "
            f"{progress.names(found)}",
            stacklevel=3,
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
