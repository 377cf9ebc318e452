"""Sums of products over named axes, of a kernel or of two tensors."""

from __future__ import annotations

import math

import keras
import numpy as np

from tfprune import backend
from tfprune.compress.filters import constants
from tfprune.compress.filters import layout
from tfprune.compress.filters import readers
from tfprune.compress.filters.operations import base
from tfprune.compress.filters.operations import elementwise
from tfprune.numerics import equations

SUMMED = "it sums up products of channels"


class EinsumDense(base.Operation):
    """A kernel whose axes are read, or made.

    Of several axes that it makes, as heads and what is in them, channels lie
    along the first; they are read along the axis where they lie.
    """

    names = {"EinsumDense"}

    def unsupported_reason(self, call):
        layer = call.operation
        if layer.lora_enabled or layer.quantization_mode:
            return "its kernel is a sum with a LoRA, or quantized"
        given, kernel, made = self._terms(call)
        if set(kernel) & set(given) & set(made):
            return "its kernel has an axis that is both read and made"
        if not set(kernel) & set(made):
            return "it makes no channels"
        return super().unsupported_reason(call)

    def couple(self, call, channels):
        layer, (labels,) = call.operation, call.inputs
        given, kernel, made = self._terms(call)
        read = [x for x in kernel if x in given]
        lying = [
            x for x, size in zip(given, labels.shape, strict=True) if size > 1
        ]
        if set(lying) - set(read):
            raise base.Unsupported("its kernel has not the axis of channels")
        for token in (lying or read)[:1]:
            axis = kernel.index(token)
            size = layer.kernel.shape[axis]
            own = channels.vector(labels, given.index(token), size)
            channels.of(call, layer.kernel, axis, "input", own)
        token = next(x for x in made if x in kernel)
        own = channels.of(call, layer.kernel, kernel.index(token), "filter")
        if token in (layer.bias_axes or ""):
            axis = made.index(token) - len(made)
            channels.of(call, layer.bias, axis, "shift", own)
        if not elementwise.is_elementwise(layer.activation):
            reason = f"{call.where} ({call.kind}): its activation is not known"
            channels.fix(own, f"{reason} to be elementwise")
        channels.size(call, own)
        return [layout.along(own, made.index(token), len(made))]

    def propagate(self, call, reads):
        layer, (one,) = call.operation, call.inputs
        given, kernel, made = self._terms(call)
        matrix = np.asarray(backend.to_numpy(layer.kernel))
        used = matrix != 0
        for axis, token in enumerate(kernel):
            if token not in given:
                continue
            rows = np.moveaxis(matrix, axis, 0).reshape(
                1, matrix.shape[axis], -1
            )
            known, value = constants.vector(
                one, given.index(token), matrix.shape[axis]
            )
            zero = known & (value == 0)
            reads.add(layer.kernel, rows, known, zero, value, axis=axis)
            used = used & ~layout.along(zero, axis, used.ndim)
        if not elementwise.is_elementwise(layer.activation):
            return [constants.unknown(len(made))]
        known = ~_moved(used, kernel, made, np.any)
        value = np.zeros(known.shape, "float32")
        if layer.bias is not None:
            bias = np.asarray(backend.to_numpy(layer.bias))
            value = value + bias.reshape(
                [1] * (known.ndim - bias.ndim) + [*bias.shape]
            )
        value = keras.ops.convert_to_numpy(layer.activation(value))
        return [constants.squeezed(*np.broadcast_arrays(known, value))]

    def readers(self, call):
        layer = call.operation
        given, kernel, made = self._terms(call)
        read = [x for x in kernel if x in given]
        own = "".join(x for x in kernel if x in made)
        if layer.bias is not None and layer.bias_axes != own:
            return []  # It is not one number for each filter.
        order = [given.index(x) for x in given if x not in read]
        order += [given.index(x) for x in read]

        def rows(tensors):
            (x,) = map(keras.ops.convert_to_numpy, tensors)
            columns = math.prod(
                layer.kernel.shape[kernel.index(y)] for y in read
            )
            return x.transpose(order).reshape(-1, columns)

        axes = tuple(map(kernel.index, read))
        return [readers.Reader(layer, axes, rows)]

    def rebuild(self, call, stays):
        _, kernel, made = self._terms(call)
        token = next(x for x in made if x in kernel)
        sizes = list(call.operation.get_config()["output_shape"])
        # Without the batch, and without what the dots stand for.
        sizes[made.index(token) - len(made)] = int(stays.sum())
        return {"output_shape": sizes}

    def _terms(self, call):
        ranks = [len(call.tensors[0].shape), len(call.operation.kernel.shape)]
        return _terms(call.operation.equation, ranks)


class Einsum(base.Operation):
    """Products of two tensors, summed over the axes that are not made.

    Channels along an axis that both have are those of both.
    """

    names = {"Einsum"}

    def unsupported_reason(self, call):
        if len(call.tensors) != 2:
            return "it takes not two tensors"
        if any(len(set(x)) < len(x) for x in self.terms(call)):
            return "it takes a diagonal"
        return super().unsupported_reason(call)

    def terms(self, call):
        """The axes of both tensors, and of what it makes."""
        ranks = [len(x.shape) for x in call.tensors]
        return _terms(call.operation.subscripts, ranks)

    def couple(self, call, channels):
        *taken, made = self.terms(call)
        lying = {
            axes[axis]
            for axes, labels in zip(taken, call.inputs, strict=True)
            for axis, size in enumerate(labels.shape)
            if size > 1
        }
        if len(lying) != 1 or not lying <= set(made):
            raise base.Unsupported(SUMMED)
        (token,) = lying
        if not all(token in axes for axes in taken):
            raise base.Unsupported("only one side has such channels")
        one, *others = self._along(call, token)
        for other in others:
            channels.unite(one, np.broadcast_to(other, one.shape))
        return [layout.along(one, made.index(token), len(made))]

    def propagate(self, call, reads):
        *taken, made = self.terms(call)
        zeros = [
            _moved(constants.is_zero(x), axes, made, np.all)
            for x, axes in zip(call.inputs, taken, strict=True)
        ]
        return [constants.zeros(np.logical_or(*zeros))]

    def _along(self, call, token):
        """The channels of what is not broadcast along an axis, longest first.

        Of a side that has size 1 there, nothing has to go.
        """
        *taken, _ = self.terms(call)
        found = [
            np.ravel(labels)
            for axes, labels, tensor in zip(
                taken, call.inputs, call.tensors, strict=True
            )
            if tensor.shape[axes.index(token)] != 1
        ]
        return sorted(found, key=len, reverse=True)


class Matmul(Einsum):
    """Products of matrices, for each place."""

    names = {"Matmul"}

    def unsupported_reason(self, call):
        if any(len(x.shape) < 2 for x in call.tensors):
            return "it takes vectors"
        return super().unsupported_reason(call)

    def terms(self, call):
        one, other = (list(range(2 - len(x.shape), 0)) for x in call.tensors)
        both = max(one, other, key=len)
        return [[*one, "i", "k"], [*other, "k", "j"], [*both, "i", "j"]]


def _terms(equation, ranks):
    try:
        return equations.terms(equation, ranks)
    except ValueError as error:
        raise base.Unsupported(
            "its equation does not tell what it gives"
        ) from error


def _moved(array, axes, made, reduce):
    """A bool array over some axes as one over others, reduced over the rest."""
    gone = tuple(i for i, token in enumerate(axes) if token not in made)
    left = [token for token in axes if token in made]
    array = reduce(array, axis=gone)
    order = sorted(range(len(left)), key=lambda i: made.index(left[i]))
    array = np.transpose(array, order)
    sizes = iter(array.shape)
    return array.reshape([next(sizes) if x in left else 1 for x in made])
