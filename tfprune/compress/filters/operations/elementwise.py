"""Operations whose output depends on the same entry of the input alone."""

from __future__ import annotations

import keras
import numpy as np

from tfprune.compress.filters import constants
from tfprune.compress.filters.operations import base

_FUNCTIONS = [
    getattr(keras.activations, name)
    for name in (
        *("celu", "elu", "exponential", "gelu", "hard_shrink", "hard_sigmoid"),
        *("hard_silu", "hard_tanh", "leaky_relu", "linear", "log_sigmoid"),
        *("mish", "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink"),
        *("softplus", "softsign", "sparse_plus", "squareplus", "tanh"),
        *("tanh_shrink", "threshold"),
    )
    if hasattr(keras.activations, name)
]


class Elementwise(base.Operation):
    """One function of each entry."""

    names = {
        *("ActivityRegularization", "AlphaDropout", "Dropout"),
        *("ELU", "GaussianDropout", "GaussianNoise", "Identity", "LeakyReLU"),
        *("ReLU", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"),
        *("StochasticDepth", "ThresholdedReLU", "Abs", "Absolute", "Angle"),
        *("Arccos", "Arccosh", "Arcsin", "Arcsinh", "Arctan", "Arctanh"),
        *("BitwiseInvert", "BitwiseNot", "Cast", "Cbrt", "Ceil", "Celu"),
        *("Clip", "Conj", "Conjugate", "Copy", "Cos", "Cosh", "Deg2rad"),
        *("Elu", "EmptyLike", "Erf", "Erfc", "Erfinv", "Exp", "Exp2"),
        *("Expm1", "Fabs", "FakeQuantWithMinMaxVars", "Floor", "FullLike"),
        *("Gelu", "HardShrink", "HardSigmoid", "HardSilu", "HardTanh", "I0"),
        *("Imag", "Isfinite", "Isinf", "Isnan", "Isneginf", "Isposinf"),
        *("Isreal", "LeakyRelu", "Log", "Log10", "Log1p", "Log2"),
        *("LogSigmoid", "LogicalNot", "Mish", "NanToNum", "Negative"),
        *("OnesLike", "Rad2deg", "Real", "Reciprocal", "Relu", "Relu6"),
        *("Round", "Rsqrt", "SaturateCast", "Selu", "Sigmoid", "Sign"),
        *("Signbit", "Silu", "Sin", "Sinc", "Sinh", "SoftShrink", "Softplus"),
        *("Softsign", "SparsePlus", "SparseSigmoid", "Sqrt", "Square"),
        *("Squareplus", "StopGradient", "Tan", "Tanh", "TanhShrink"),
        *("Threshold", "Trunc", "ZerosLike"),
    }
    takes_one = True

    def couple(self, call, channels):
        return call.inputs

    def propagate(self, call, reads):
        (given,) = call.inputs
        (value,) = run(call, [given.value])
        return [constants.finite(given.known, value)]


class Activation(Elementwise):
    """A layer with a function that it was given."""

    names = {"Activation"}

    def unsupported_reason(self, call):
        if not is_elementwise(call.operation.activation):
            return "its function is not known to be elementwise"
        return super().unsupported_reason(call)


class Rescaling(Elementwise):
    """A scale and an offset."""

    names = {"Rescaling"}

    def unsupported_reason(self, call):
        if np.ndim(call.operation.scale):
            return "it has a scale of its own for each channel"
        return super().unsupported_reason(call)


class PReLU(base.Operation):
    """Entries below zero are multiplied with weights."""

    names = {"PReLU"}

    def couple(self, call, channels):
        labels, alpha = call.inputs[0], call.operation.alpha
        for axis, size in enumerate(alpha.shape):
            if size > 1 and labels.shape[axis + 1] > 1:
                read = channels.vector(labels, axis + 1, size)
                channels.axis(call, "alpha", axis, "scale", read)
        return [labels]

    def propagate(self, call, reads):
        (given,) = call.inputs
        known = given.known & (given.value >= 0)
        return [constants.Constant(known, given.value)]


def is_elementwise(function) -> bool:
    """Tells whether an activation works on each entry by itself.

    It may be a function of Keras, or one of its layers. Another function may
    if it is seen to do so.
    """
    if not isinstance(function, keras.layers.Layer):
        return function in _FUNCTIONS or _is_seen_elementwise(function)
    is_keras = type(function).__module__.startswith("keras.")
    own = type(base.KNOWN.get(type(function).__qualname__))
    if is_keras and own is Activation:
        return is_elementwise(function.activation)
    return is_keras and own is Elementwise


def _is_seen_elementwise(function):
    """Whether entries stay the same where others change."""
    numbers = np.random.default_rng(0)
    one, other = numbers.normal(size=(2, 4, 8, 16)).astype("float32")
    same = numbers.random(one.shape) < 0.5
    try:
        pair = [
            keras.ops.convert_to_numpy(
                function(keras.ops.convert_to_tensor(array))
            )
            for array in (one, np.where(same, one, other))
        ]
    except Exception:  # Whatever a user's function does.
        return False
    alike = pair[0].shape == one.shape
    return alike and np.array_equal(pair[0][same], pair[1][same])


def run(call, arrays: list) -> list:
    """What the operation of a call gives for some arrays."""
    tensors = [keras.ops.convert_to_tensor(array) for array in arrays]
    return [keras.ops.convert_to_numpy(value) for value in call(tensors)]
