"""opened: a model whose layers are not hidden in other layers."""

from __future__ import annotations

import typing
import warnings

import keras

from tfprune.graph import equivalence
from tfprune.graph import nodes
from tfprune.graph import opening
from tfprune.layers import parts

_CLOSED = (
    "layers made of other ones stay as they are, since the model would give "
    "something else without them"
)


def is_open(layer: keras.layers.Layer) -> bool:
    """Whether a layer of Keras' own is one that is opened."""
    return isinstance(layer, parts.ATTENTION) and not nodes.takes_masks(layer)


def opened(
    model: keras.Model,
    keep: typing.Callable | None = None,
    change: typing.Callable | None = None,
) -> opening.Opened:
    """A model that gives the same, in which attention is layers of its own.

    The projections of an attention, and layers in a block of the user's own,
    become layers of a Functional model. Those that masks of Keras reach stay
    as they are.

    Args:
        model: Sequential or Functional model.
        keep: Callable `layer -> bool`: which other ones stay. Defaults to
            None: none.
        change: Callable `model -> model`: what is made of one in which blocks
            are open, and attention is not; variables of that one are the
            originals then. Defaults to None: nothing.
    """
    blocks = model
    if change is not None:
        blocks = change(opening.open_composites(model, keep).model)
    found = opening.open_composites(blocks, keep, also=parts.ATTENTION)
    if found.model is model:
        return found
    try:
        equivalence.check(model, found.model)
    except RuntimeError as error:
        warnings.warn(f"{_CLOSED}: {error}", stacklevel=3)
        return opening.Opened(model, [], {})
    return found
