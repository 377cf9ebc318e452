"""Families: what is known of Keras' operations, by what they do to channels.

An operation is known by its class, which must be Keras' own: a subclass may
do anything. Layers and `keras.ops` of one name do the same.
"""

from __future__ import annotations

import math

import keras
import numpy as np

DENSE = {"Dense"}
CONV = {"Conv1D", "Conv2D", "Conv3D"}
CONV_TRANSPOSE = {"Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"}
DEPTHWISE = {"DepthwiseConv1D", "DepthwiseConv2D"}
SEPARABLE = {"SeparableConv1D", "SeparableConv2D"}

# Each entry of the output depends on the same entry of the input alone.
ELEMENTWISE = {
    *("Activation", "ActivityRegularization", "AlphaDropout", "Dropout"),
    *("ELU", "GaussianDropout", "GaussianNoise", "Identity", "LeakyReLU"),
    *("ReLU", "Rescaling", "SpatialDropout1D", "SpatialDropout2D"),
    *("SpatialDropout3D", "StochasticDepth"),
    *("Abs", "Absolute", "Cast", "Celu", "Clip", "Elu", "Erf", "Exp", "Gelu"),
    *("HardSigmoid", "HardSilu", "HardTanh", "LeakyRelu", "LogSigmoid"),
    *("Negative", "Reciprocal", "Relu", "Relu6", "Rsqrt", "Selu", "Sigmoid"),
    *("Silu", "Softplus", "Softsign", "Sqrt", "Square", "Tanh"),
}
# Each entry depends on the same entry of several inputs.
MERGE = {
    *("Add", "Average", "CustomScaleLayer", "Divide", "Maximum", "Minimum"),
    *("Multiply", "Subtract", "TrueDivide"),
}
# Each channel by itself, along the axes of space.
SPATIAL = {
    *("AveragePooling1D", "AveragePooling2D", "AveragePooling3D"),
    *("MaxPooling1D", "MaxPooling2D", "MaxPooling3D"),
    *("Cropping1D", "Cropping2D", "Cropping3D"),
    *("UpSampling1D", "UpSampling2D", "UpSampling3D"),
    *("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"),
}
# Of these, the ones that give a constant where they are given one.
KEEPS_CONSTANTS = {x for x in SPATIAL if not x.startswith("ZeroPadding")}
GLOBAL_POOLING = {
    *("GlobalAveragePooling1D", "GlobalAveragePooling2D"),
    *("GlobalAveragePooling3D", "GlobalMaxPooling1D", "GlobalMaxPooling2D"),
    "GlobalMaxPooling3D",
}
REDUCTION = {"Max", "Mean", "Min", "Sum"}
# Entries change their places and nothing else.
MOVE = {
    *("ExpandDims", "Flatten", "Moveaxis", "Permute", "Repeat"),
    *("RepeatVector", "Reshape", "Squeeze", "Swapaxes", "Tile", "Transpose"),
}

_MIXES = {
    *("LayerNormalization", "LogSoftmax", "RMSNormalization", "Softmax"),
    "UnitNormalization",
}
_ELEMENTWISE_FUNCTIONS = {
    *("celu", "elu", "exponential", "gelu", "hard_shrink", "hard_sigmoid"),
    *("hard_silu", "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "mish"),
    *("relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softplus"),
    *("softsign", "sparse_plus", "squareplus", "tanh", "tanh_shrink"),
    "threshold",
}
_KNOWN_FUNCTIONS = [
    getattr(keras.activations, name)
    for name in _ELEMENTWISE_FUNCTIONS
    if hasattr(keras.activations, name)
]


def unsupported_reason(call) -> str | None:
    """Returns why what an operation does is not known, or None.

    Args:
        call: `wiring.Call`.
    """
    operation = call.operation
    if not is_keras(operation):
        return "it is no operation of Keras' own"
    if call.kwargs.get("training"):
        return "it is called with `training=True`"
    if call.kind in _MIXES:
        return "it mixes all channels"
    if call.kind == "Activation" and not is_elementwise(operation.activation):
        return "its function is not known to be elementwise"
    if getattr(operation, "lora_enabled", False):
        return "its kernel is a sum with a LoRA"
    if getattr(operation, "quantization_mode", None):
        return f"it is quantized to {operation.quantization_mode}"
    leaves = keras.tree.flatten((call.args, call.kwargs))
    if any(hasattr(leaf, "dtype") for leaf in leaves):
        return "it takes an array that is not computed"
    if np.ndim(getattr(operation, "scale", 0)) and call.kind == "Rescaling":
        return "it has a scale of its own for each channel"
    return None


def is_keras(operation) -> bool:
    """Tells whether an operation is of a class of Keras' own."""
    return type(operation).__module__.startswith("keras.")


def is_elementwise(function) -> bool:
    """Tells whether an activation works on each entry by itself."""
    return function in _KNOWN_FUNCTIONS


def channel_axis(layer, rank: int) -> int:
    """Returns the axis of the channels of a tensor that a layer takes."""
    first = getattr(layer, "data_format", None) == "channels_first"
    return 1 if first else rank - 1


def has_border(layer) -> bool:
    """Tells whether a convolution sees zeros around what it is given."""
    sizes = getattr(layer, "kernel_size", (1,))
    padding = getattr(layer, "padding", "valid")
    return padding != "valid" and math.prod(sizes) > 1


def move(call, arrays: list) -> list:
    """Returns some arrays as an operation moves what is in them.

    Args:
        call: `wiring.Call` of one of `MOVE`.
        arrays: List of arrays, one for each tensor that the call takes, of
            size 1 where all entries along an axis are equal.

    Returns:
        List of arrays.
    """
    full = [
        np.broadcast_to(array, [tensor.shape[0] or 2, *tensor.shape[1:]])
        for array, tensor in zip(arrays, call.tensors, strict=True)
    ]
    tensors = [keras.ops.convert_to_tensor(array) for array in full]
    return [keras.ops.convert_to_numpy(array) for array in call(tensors)]


def get_item(call, array: np.ndarray) -> np.ndarray:
    """Returns the part of an array that a call of `GetItem` takes.

    Args:
        call: `wiring.Call`, with slices and integers alone.
        array: Array of size 1 where all entries along an axis are equal.
    """
    key = tuple(
        place if size > 1 else slice(None) if isinstance(place, slice) else 0
        for place, size in zip(places(call), array.shape, strict=False)
    )
    return array[key]


def padded(call) -> list[int]:
    """Returns the axes along which a call of `Pad` adds something."""
    width = np.broadcast_to(
        call.operation.pad_width, (len(call.tensors[0].shape), 2)
    )
    return np.flatnonzero(width.any(axis=1)).tolist()


def split(call, array: np.ndarray) -> list[np.ndarray]:
    """Returns the parts of an array that a call of `Split` gives.

    Args:
        call: `wiring.Call`.
        array: Array of size 1 where all entries along an axis are equal.
    """
    sections = call.operation.indices_or_sections
    axis = call.operation.axis % array.ndim
    if array.shape[axis] > 1:
        return np.split(array, sections, axis)
    count = sections if isinstance(sections, int) else len(sections) + 1
    return [array] * count


def places(call) -> tuple:
    """Returns what a call of `GetItem` takes along each axis."""
    key = call.args[1]
    return key if isinstance(key, tuple) else (key,)


def concatenate(call, arrays: list, axis: int) -> np.ndarray:
    """Returns some arrays in a row, each as long as the tensor it is of.

    Args:
        call: `wiring.Call`.
        arrays: List of arrays, one for each tensor that the call takes, of
            size 1 where all entries along an axis are equal.
        axis: Integer, not negative.
    """
    common = np.max([array.shape for array in arrays], axis=0)
    full = []
    for array, tensor in zip(arrays, call.tensors, strict=True):
        common[axis] = tensor.shape[axis]
        full.append(np.broadcast_to(array, common))
    return np.concatenate(full, axis)
