"""layout: along which axis channels lie, and whether a border is seen."""

from __future__ import annotations

import math

import keras
import numpy as np


def channel_axis(layer, rank: int) -> int:
    """The axis of the channels of a tensor that a layer takes."""
    known = getattr(layer, "data_format", "channels_last")
    known = known or keras.config.image_data_format()
    return 1 if known == "channels_first" else rank - 1


def along(vector: np.ndarray, axis: int, rank: int) -> np.ndarray:
    """A vector as an array of a rank, of size 1 along other axes."""
    shape = [1] * rank
    shape[axis] = -1
    return vector.reshape(shape)


def has_border(layer) -> bool:
    """Tells whether a convolution sees zeros around what it is given."""
    sizes = getattr(layer, "kernel_size", (1,))
    padding = getattr(layer, "padding", "valid")
    return padding != "valid" and math.prod(sizes) > 1
