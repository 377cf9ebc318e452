"""Normalizations of each position by statistics over all of its channels.

A channel of zeros adds nothing to these sums. What is divided by their number
is made up for where such channels go: by the scale and by epsilon, or by zeros
in their place.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from tfprune import backend
from tfprune.compress.filters import constants
from tfprune.compress.filters import layout
from tfprune.compress.filters.operations import base
from tfprune.graph import nodes

_HUB = "keras_hub.src.models"


class OverChannels(base.Operation):
    """A channel goes where it is zero, and so is what it is scaled to."""

    shift: str | None = None
    scales: tuple[str, ...] = ("scale",)
    zero = 0.0  # The scale that makes a channel zero.
    is_cut = True

    def unsupported_reason(self, call):
        axis = np.atleast_1d(getattr(call.operation, "axis", -1))
        rank = len(call.tensors[0].shape)
        if axis.size > 1 or axis[0] % rank != rank - 1:
            return "its statistics are not those of the last axis"
        if self.scale(call.operation) is None:
            return "it does not scale channels"
        return super().unsupported_reason(call)

    def scale(self, layer):
        """The variable that channels are multiplied with, or None."""
        found = (getattr(layer, name, None) for name in self.scales)
        return next((x for x in found if x is not None), None)

    def couple(self, call, channels):
        (labels,), scale = call.inputs, self.scale(call.operation)
        if labels.shape[-1] == 1 < labels.size:
            return [labels]  # Each has statistics of its own.
        read = channels.vector(labels, -1, scale.shape[0])
        form = {"zero": self.zero, "is_cut": self.is_cut}
        channels.of(call, scale, 0, "scale", read, **form)
        shift = getattr(call.operation, self.shift or "", None)
        channels.of(call, shift, 0, "shift", read, is_cut=self.is_cut)
        return [layout.along(channels.size(call, read), -1, labels.ndim)]

    def propagate(self, call, reads):
        (given,), layer = call.inputs, call.operation
        scale = self.scale(layer)
        factor = np.asarray(backend.to_numpy(scale)) - self.zero
        shift = getattr(layer, self.shift or "", None)
        shift = factor * 0 if shift is None else backend.to_numpy(shift)
        known, value = constants.vector(given, -1, factor.size)
        zero = known & (value == 0)
        every = np.ones((1, factor.size, 1))
        reads.add(scale, every, known, zero, value, axis=0)
        rank = given.known.ndim
        cut = layout.along(factor == 0, -1, rank)
        known = cut | self.kept_zeros(constants.is_zero(given))
        shift = layout.along(shift, -1, rank)
        return [constants.Constant(*np.broadcast_arrays(known, shift))]

    def kept_zeros(self, zero):
        """Which of the zeros that come in come out as what they are shifted."""
        return zero


class RootMeanSquare(OverChannels):
    """Divided by the root of a mean of squares, and of epsilon.

    Of fewer channels the mean is greater by as much as epsilon becomes.
    """

    names = {
        "RMSNormalization",
        f"{_HUB}.gpt_oss.gpt_oss_layer_norm.GptOssLayerNormalization",
        f"{_HUB}.llama.llama_layernorm.LlamaLayerNorm",
        f"{_HUB}.mistral.mistral_layer_norm.MistralLayerNormalization",
        f"{_HUB}.mixtral.mixtral_layer_norm.MixtralLayerNormalization",
        f"{_HUB}.phi3.phi3_layernorm.Phi3LayerNorm",
        f"{_HUB}.qwen.qwen_layernorm.QwenLayerNorm",
        f"{_HUB}.qwen3.qwen3_layernorm.Qwen3LayerNorm",
        f"{_HUB}.qwen3_moe.qwen3_moe_layernorm.Qwen3MoeLayerNorm",
        f"{_HUB}.qwen_moe.qwen_moe_layernorm.QwenMoeLayerNorm",
        f"{_HUB}.t5.t5_layer_norm.T5LayerNorm",
    }
    scales = ("scale", "weight")

    def rebuild(self, call, stays):
        return {"epsilon": float(call.operation.epsilon / stays.mean())}

    def rescale(self, call, stays):
        root, zero = np.sqrt(stays.mean()), self.zero

        def smaller(value):
            return (value - zero) / root + zero

        return [(self.scale(call.operation), smaller)]


class OffsetRootMeanSquare(RootMeanSquare):
    """One is added to the scale."""

    names = {
        f"{_HUB}.gemma.rms_normalization.RMSNormalization",
        f"{_HUB}.gemma3.gemma3_layers.RMSNormalization",
    }
    zero = -1.0


class LayerNormalization(OverChannels):
    """The mean goes first: zeros stand in for the channels that are gone.

    What these add to the variance is no multiple of what the others do.
    """

    names = {"LayerNormalization"}
    scales = ("gamma",)
    shift = "beta"
    is_cut = False

    def kept_zeros(self, zero):
        # Where there is nothing else, the mean is zero, too.
        return np.all(zero, axis=-1, keepdims=True)

    def unsupported_reason(self, call):
        if getattr(call.operation, "rms_scaling", False):
            return "it scales by its variance"
        if nodes.passes_masks(call.operation):
            return "it passes on a mask, which no padding does"
        return super().unsupported_reason(call)

    def replace(self, call, stays):
        if stays.all():
            return None
        layer, kept = call.operation, int(stays.sum())
        *others, _ = call.tensors[0].shape[1:]
        inputs = keras.Input(
            (*(None for _ in others), kept), dtype=call.tensors[0].dtype
        )
        around = [[0, 0]] * (len(others) + 1)
        padded = ops.pad(inputs, [*around, [0, stays.size - kept]])
        whole = type(layer).from_config(layer.get_config())
        return keras.Model(inputs, whole(padded)[..., :kept], name=layer.name)

    def rescale(self, call, stays):
        layer = call.operation

        def sorted_out(value):
            return np.concatenate([value[stays], value[~stays]])

        own = (layer.gamma, layer.beta)
        return [(x, sorted_out) for x in own if x is not None]
