"""constant_reads: which channels of a model have one value, whatever goes in.

A filter of zeros still gives its bias, and a normalization behind it a shift.
What reads such a channel can do without it if it can take in the value: by
nothing at all where that is zero, by its bias where it reads no border.
"""

from __future__ import annotations

import dataclasses

import keras
import numpy as np

from tfprune import backend
from tfprune.compress.filters import constants
from tfprune.compress.filters import families
from tfprune.graph import nodes


@dataclasses.dataclass(frozen=True)
class Read:
    """What a kernel reads in one call.

    Args:
        known: Bool array, `(inputs,)`: the channel has one value.
        absorbed: Bool array, `(inputs,)`: the layer can do without it.
        value: Float array, `(inputs,)`.
    """

    known: np.ndarray
    absorbed: np.ndarray
    value: np.ndarray


def reads(model: keras.Model) -> dict[int, list[Read]]:
    """Returns what each kernel that reads channels gets of constants.

    Args:
        model: Sequential or Functional model.

    Returns:
        Dict, id of a kernel to a list of `Read`, one for each call.
    """
    walk = _Walk()
    inputs = [constants.unknown(len(tensor.shape)) for tensor in model.inputs]
    nodes.follow(model, inputs, walk.step)
    return walk.reads


class _Walk:
    """What each operation gives for constants: one rule for each family."""

    def __init__(self):
        self.reads = {}

    def step(self, call):
        """Returns a `constant.Constant` for each tensor that a call gives."""
        rule = _RULES.get(call.kind)
        if rule is None or families.unsupported_reason(call):
            return [
                constants.unknown(len(shape or (None,)))
                for shape in call.shapes
            ]
        return rule(self, call)

    def _input(self, call):
        return call.inputs

    def _dense(self, call):
        return self._make(call, _matrix(call.operation.kernel))

    def _conv_transpose(self, call):
        kernel = backend.to_numpy(call.operation.kernel)
        return self._make(call, _matrix(np.swapaxes(kernel, -1, -2)))

    def _make(self, call, matrix):
        layer = call.operation
        groups = getattr(layer, "groups", 1)
        known, value = _along_channels(call, groups * matrix.shape[1])
        is_zero = known & (value == 0)
        absorbed = is_zero if _takes_zeros_alone(layer) else known
        self._read(layer.kernel, matrix, known, absorbed, value, groups)
        return [_made(call, matrix, absorbed, value)]

    def _depthwise(self, call):
        layer = call.operation
        known, value = _depthwise(call, layer.kernel)
        return [_activated(call, known, value)]

    def _separable(self, call):
        layer = call.operation
        known, value = _depthwise(call, layer.depthwise_kernel)
        matrix = _matrix(layer.pointwise_kernel)
        self._read(layer.pointwise_kernel, matrix, known, known, value)
        return [_made(call, matrix, known, value)]

    def _embedding(self, call):
        known = ~np.any(_matrix(call.operation.embeddings), axis=(0, 1))
        shape = [1] * len(call.tensors[0].shape) + [-1]
        return [constants.zeros(known.reshape(shape))]

    def _batch_norm(self, call):
        """It gives beta where gamma is zero, whatever comes in."""
        (given,), layer = call.inputs, call.operation
        shape = [1] * given.known.ndim
        shape[layer.axis] = -1
        known, value = np.broadcast_arrays(
            given.known, _normalized(layer, given.value, shape)
        )
        if layer.gamma is not None:
            dead = backend.to_numpy(layer.gamma) == 0
            known = known | dead.reshape(shape)
        return [constants.Constant(known, value)]

    def _group_norm(self, call):
        """It gives beta where gamma is zero, or all of a group."""
        layer = call.operation
        axis, size = layer.axis, call.tensors[0].shape[layer.axis]
        known, value = constants.vector(call.inputs[0], axis, size)
        rows = (known & (value == 0)).reshape(layer.groups, -1)
        known = np.repeat(rows.all(axis=1), rows.shape[1])
        if layer.gamma is not None:
            known = known | (backend.to_numpy(layer.gamma) == 0)
        beta = np.zeros(size, "float32")
        if layer.beta is not None:
            beta = backend.to_numpy(layer.beta)
        shape = [1] * len(call.tensors[0].shape)
        shape[axis] = -1
        return [constants.Constant(known.reshape(shape), beta.reshape(shape))]

    def _prelu(self, call):
        (given,) = call.inputs
        return [
            constants.Constant(given.known & (given.value >= 0), given.value)
        ]

    def _elementwise(self, call):
        (given,) = call.inputs
        (value,) = _run(call, [given.value])
        return [constants.Constant(given.known, value)]

    def _merge(self, call):
        if len({given.known.ndim for given in call.inputs}) > 1:
            return [constants.unknown(len(call.shapes[0]))]
        (value,) = _run(call, [given.value for given in call.inputs])
        known = np.logical_and.reduce(
            np.broadcast_arrays(*(given.known for given in call.inputs))
        )
        if call.kind != "Multiply":
            return [constants.Constant(known, value)]
        zero = np.logical_or.reduce(
            np.broadcast_arrays(*map(constants.is_zero, call.inputs))
        )
        return [constants.Constant(known | zero, np.where(zero, 0, value))]

    def _spatial(self, call):
        (given,) = call.inputs
        if call.kind in families.KEEPS_CONSTANTS:
            return [given]
        return [constants.zeros(constants.is_zero(given))]

    def _global_pooling(self, call):
        (given,), layer = call.inputs, call.operation
        axis = families.channel_axis(layer, given.known.ndim)
        known, value = constants.vector(given, axis, given.known.shape[axis])
        shape = [1] * len(call.shapes[0])
        shape[axis if layer.keepdims else 1] = -1
        return [constants.Constant(known.reshape(shape), value.reshape(shape))]

    def _reduction(self, call):
        """A sum of many equal numbers is not exact; that of zeros is."""
        (given,), operation = call.inputs, call.operation
        known = constants.is_zero(given)
        axis = (
            None
            if operation.axis is None
            else tuple(np.atleast_1d(operation.axis))
        )
        return [constants.zeros(known.all(axis, keepdims=operation.keepdims))]

    def _move(self, call):
        if None in call.tensors[0].shape[1:]:
            return [constants.unknown(len(call.shapes[0]))]
        known = families.move(call, [x.known for x in call.inputs])
        value = families.move(call, [x.value for x in call.inputs])
        return [
            constants.squeezed(*both) for both in zip(known, value, strict=True)
        ]

    def _pad(self, call):
        """Zeros around zeros; other modes repeat what is there."""
        given, rank = call.inputs[0], call.inputs[0].known.ndim
        sizes = [given.known.shape[axis] for axis in families.padded(call)]
        if len(call.tensors) > 1 or any(size > 1 for size in sizes):
            return [constants.unknown(rank)]
        if call.operation.mode != "constant":
            return [given]
        if call.kwargs.get("constant_values"):
            return [constants.unknown(rank)]
        return [constants.zeros(constants.is_zero(given))]

    def _split(self, call):
        (given,) = call.inputs
        known, value = (
            families.split(call, array) for array in (given.known, given.value)
        )
        return [
            constants.squeezed(*both) for both in zip(known, value, strict=True)
        ]

    def _get_item(self, call):
        (given,) = call.inputs
        if any(type(x) not in (slice, int) for x in families.places(call)):
            return [constants.unknown(len(call.shapes[0]))]
        known = families.get_item(call, given.known)
        return [constants.Constant(known, families.get_item(call, given.value))]

    def _concatenate(self, call):
        axis = call.operation.axis % len(call.tensors[0].shape)
        if axis == 0 or any(x.shape[axis] is None for x in call.tensors):
            return [constants.unknown(len(call.shapes[0]))]
        known = [given.known for given in call.inputs]
        value = [given.value for given in call.inputs]
        known, value = (
            families.concatenate(call, arrays, axis)
            for arrays in (known, value)
        )
        return [constants.squeezed(known, value)]

    def _read(self, kernel, matrix, known, absorbed, value, groups=1):
        """Takes note of a call; an entry of a kernel serves all groups.

        A channel that all filters multiply with zero is as good as zero.
        """
        known, absorbed, value = (
            array.reshape(groups, -1) for array in (known, absorbed, value)
        )
        unread = ~matrix.any(axis=(0, 2))
        read = Read(
            known.all(0) | unread,
            absorbed.all(0) | unread,
            np.where(unread, 0, value[0]),
        )
        self.reads.setdefault(id(kernel), []).append(read)


_RULES = {
    "InputLayer": _Walk._input,
    "Embedding": _Walk._embedding,
    "BatchNormalization": _Walk._batch_norm,
    "GroupNormalization": _Walk._group_norm,
    "PReLU": _Walk._prelu,
    "Concatenate": _Walk._concatenate,
    "GetItem": _Walk._get_item,
    "Pad": _Walk._pad,
    "Split": _Walk._split,
    **dict.fromkeys(families.DENSE | families.CONV, _Walk._dense),
    **dict.fromkeys(families.CONV_TRANSPOSE, _Walk._conv_transpose),
    **dict.fromkeys(families.DEPTHWISE, _Walk._depthwise),
    **dict.fromkeys(families.SEPARABLE, _Walk._separable),
    **dict.fromkeys(families.ELEMENTWISE, _Walk._elementwise),
    **dict.fromkeys(families.MERGE, _Walk._merge),
    **dict.fromkeys(families.SPATIAL, _Walk._spatial),
    **dict.fromkeys(families.GLOBAL_POOLING, _Walk._global_pooling),
    **dict.fromkeys(families.REDUCTION, _Walk._reduction),
    **dict.fromkeys(families.MOVE, _Walk._move),
}


def _along_channels(call, size):
    """Returns what is known of the channels that a layer takes."""
    given = call.inputs[0]
    axis = families.channel_axis(call.operation, given.known.ndim)
    return constants.vector(given, axis, size)


def _run(call, values):
    """Returns what an operation gives for some values."""
    tensors = [keras.ops.convert_to_tensor(value) for value in values]
    return [keras.ops.convert_to_numpy(value) for value in call(tensors)]


def _matrix(kernel):
    """Returns a kernel as (taps, inputs, filters)."""
    kernel = np.asarray(backend.to_numpy(kernel))
    return kernel.reshape(-1, *kernel.shape[-2:])


def _takes_zeros_alone(layer):
    """Tells whether a bias can't stand in for a channel that is not zero."""
    transposed = "Transpose" in type(layer).__name__
    groups = getattr(layer, "groups", 1)
    return transposed or groups > 1 or families.has_border(layer)


def _made(call, matrix, absorbed, value):
    """Returns what the filters give that read nothing but constants."""
    groups = absorbed.size // matrix.shape[1]
    matrix = matrix.reshape(*matrix.shape[:2], groups, -1)
    read = absorbed.reshape(groups, -1).T[..., None]
    added = np.where(absorbed, value, 0).reshape(groups, -1).T[..., None]
    known = ~np.any(np.any(matrix, axis=0) & ~read, axis=0)
    total = np.sum(matrix.sum(0) * added, axis=0)
    return _activated(call, known.ravel(), total.ravel())


def _depthwise(call, kernel):
    """Returns what a depthwise kernel gives, before its bias."""
    taps = _matrix(kernel)
    known, value = _along_channels(call, taps.shape[1])
    if families.has_border(call.operation):
        known = known & (value == 0)
    value = np.where(known, value, 0)[:, None] * taps.sum(0)
    known = known[:, None] | ~taps.any(axis=0)
    return known.ravel(), value.ravel()


def _activated(call, known, value):
    """Returns a tensor of channels, with a layer's bias and activation."""
    layer = call.operation
    rank = len(call.tensors[0].shape)
    if not families.is_elementwise(layer.activation):
        return constants.unknown(rank)
    if layer.bias is not None:
        value = value + backend.to_numpy(layer.bias)
    value = keras.ops.convert_to_numpy(layer.activation(value))
    shape = [1] * rank
    shape[families.channel_axis(layer, rank)] = -1
    return constants.Constant(known.reshape(shape), value.reshape(shape))


def _normalized(layer, value, shape):
    """Returns what a BatchNormalization gives, in inference."""
    mean, variance, gamma, beta = (
        default
        if variable is None
        else backend.to_numpy(variable).reshape(shape)
        for variable, default in (
            (layer.moving_mean, 0.0),
            (layer.moving_variance, 1.0),
            (layer.gamma, 1.0),
            (layer.beta, 0.0),
        )
    )
    scale = gamma / np.sqrt(variance + layer.epsilon)
    return (value - mean) * scale + beta
