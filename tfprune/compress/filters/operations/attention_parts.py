"""What attention is made of where its heads are axes of their own."""

from __future__ import annotations

import numpy as np

from tfprune.compress.filters import constants
from tfprune.compress.filters.operations import base

_HUB = "keras_hub.src"


class Softmax(base.Operation):
    """Entries along one axis are weighed against each other; heads are not."""

    names = {"LogSoftmax", "Softmax", "Sparsemax"}

    def couple(self, call, channels):
        labels, *masks = call.inputs
        axis = call.operation.axis
        if axis is None or np.any(np.take(labels.shape, axis) > 1):
            raise base.Unsupported("it mixes all channels")
        if any(mask.size > 1 for mask in masks):
            raise base.Unsupported("its mask is made of channels")
        return [labels]


class Rotary(base.Operation):
    """Pairs of channels of the last axis are turned by their positions."""

    names = {
        f"{_HUB}.layers.modeling.rotary_embedding.RotaryEmbedding",
        f"{_HUB}.models.llama.llama_rotary_embedding.LlamaRotaryEmbedding",
        f"{_HUB}.models.phi3.phi3_rotary_embedding.Phi3SuScaledRotaryEmbedding",
    }
    takes_one = True

    def couple(self, call, channels):
        (labels,) = call.inputs
        if labels.shape[call.operation.feature_axis] > 1:
            raise base.Unsupported("it turns pairs of channels")
        return [labels]

    def propagate(self, call, reads):
        (given,) = call.inputs
        return [constants.zeros(constants.is_zero(given))]
