"""fold: normalizations, activations and zeros become part of convolutions."""

from __future__ import annotations

import math

import keras
import numpy as np

from tfprune import backend
from tfprune.compress.sparse import pads
from tfprune.graph import cloning
from tfprune.graph import model_graph
from tfprune.graph import nodes
from tfprune.layers import fused_functions
from tfprune.layers import winograd_conv2d

LINEAR = keras.activations.linear
_DEPTHWISE = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)
_FOLDABLE = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Dense,
    *_DEPTHWISE,
    winograd_conv2d.WinogradConv2D,
)


def fold(graph: model_graph.ModelGraph) -> keras.Model:
    """A model that infers the same with fewer layers at work.

    A BatchNormalization behind a convolution or dense layer is multiplied
    into its kernel and bias, a ReLU, GELU or SiLU behind that becomes its
    activation, and zeros before it its padding, where that is the same and
    nothing else takes what lies between. They are removed then; Sequential
    models have Identity layers in their places. The result is for inference.

    Args:
        graph: `ModelGraph` of a Sequential or Functional model.

    Reference:
        Jacob et al. Quantization and Training of Neural Networks for
        Efficient Integer-Arithmetic-Only Inference. CVPR 2018 (folding).
    """
    tails = {
        id(layer): _tail(layer, graph.sole_followers)
        for layer in graph.leaves
        if isinstance(layer, _FOLDABLE)
    }
    heads = pads.absorbed(graph)
    removed = {id(x) for tail in tails.values() for x in tail if x is not None}
    removed |= {id(pad) for pad in heads.values()}

    passed = []

    def replace(layer, copied):
        if id(layer) in removed:
            passed.append(cloning.identity(layer))
            return passed[-1]
        norm, after = tails.get(id(layer), (None, None))
        pad = heads.get(id(layer))
        if norm is None and after is None and pad is None:
            return copied
        return _folded(layer, norm, after, pad)

    def call(layer, *args, **kwargs):
        if any(layer is one for one in passed):
            return (*args, *kwargs.values())[0]
        return layer(*args, **kwargs)

    return cloning.clone(graph.model, replace, call)


def _tail(layer, followers):
    """The normalization and activation to fold; None for none."""
    if layer.activation is not LINEAR or not _is_plain(layer):
        return None, None
    norm, after = None, followers.get(id(layer))
    if isinstance(after, keras.layers.BatchNormalization):
        if after.axis not in (-1, len(layer.kernel.shape) - 1):
            return None, None
        norm, after = after, followers.get(id(after))
    return norm, after if activation(after) and joins(layer, after) else None


def _is_plain(layer):
    """Whether outputs are last, and the kernel is all that multiplies."""
    is_last = getattr(layer, "data_format", "channels_last") == "channels_last"
    is_other = layer.quantization_mode or getattr(layer, "lora_enabled", False)
    return is_last and not is_other


def joins(layer, after) -> bool:
    """Whether what follows a layer may be part of it.

    Args:
        layer: Keras layer.
        after: Keras layer or operation, which follows it alone.
    """
    if isinstance(after, keras.layers.Layer):
        return after.compute_dtype == layer.compute_dtype
    # An operation ends a mask of Keras.
    return not nodes.passes_masks(layer)


def activation(layer):
    """The function of a layer or operation that is one of Keras', or None."""
    found = fused_functions.of(layer)
    return None if found is fused_functions.gelu_approximate else found


def _folded(layer, norm, after, pad):
    config = layer.get_config()
    config["use_bias"] = config["use_bias"] or norm is not None
    if after is not None:
        function = activation(after)
        config["activation"] = keras.activations.serialize(function)
    if pad is not None:
        config["padding"] = "same"
    own = layer.__class__.from_config(config)
    first = layer if pad is None else pad
    backend.build(own, first.get_build_config())
    kernel, bias = _weights(layer, norm)
    own.kernel.assign(kernel)
    if own.use_bias:
        own.bias.assign(bias)
    return own


def _weights(layer, norm):
    """Kernel and bias with a normalization multiplied in."""
    kernel = backend.to_numpy(layer.kernel)
    outputs = _outputs(layer)
    bias = np.zeros(math.prod(outputs), "float32")
    if layer.use_bias:
        bias = backend.to_numpy(layer.bias)
    if norm is None:
        return kernel, bias
    mean = backend.to_numpy(norm.moving_mean)
    variance = backend.to_numpy(norm.moving_variance)
    factor = 1 / np.sqrt(variance + norm.epsilon)
    if norm.scale:
        factor = factor * backend.to_numpy(norm.gamma)
    shift = backend.to_numpy(norm.beta) if norm.center else 0.0
    return kernel * factor.reshape(outputs), (bias - mean) * factor + shift


def _outputs(layer):
    """The axes of a kernel that number what a layer gives."""
    axes = 2 if isinstance(layer, _DEPTHWISE) else 1
    return layer.kernel.shape[-axes:]
