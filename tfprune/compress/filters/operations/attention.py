"""Attention: heads, what queries and keys share, and what values have."""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np

from tfprune import backend
from tfprune.compress.filters import constants
from tfprune.compress.filters import layout
from tfprune.compress.filters import readers
from tfprune.compress.filters.operations import base
from tfprune.compress.filters.operations import weighted

_HUB = "keras_hub.src.layers.modeling"
_TAKEN = ("query", "value", "key")


class Attention(base.Operation):
    """Projections of `(inputs, heads, size)`, and one back.

    A head goes where its values are zero, and so is what it gives. A channel
    that queries and keys share goes where queries are zero in it, one of the
    values where they are.
    """

    names = {
        "MultiHeadAttention",
        f"{_HUB}.cached_multi_head_attention.CachedMultiHeadAttention",
    }

    def unsupported_reason(self, call):
        layer = call.operation
        if call.kwargs.get("return_attention_scores"):
            return "its scores are an output"
        if layer.get_config().get("use_gate"):
            return "its output is gated"
        if any(len(x.shape) != 3 for x in self._known(call, call.tensors)):
            return "it takes more than sequences"
        for part in _parts(layer).values():
            if part.lora_enabled or part.quantization_mode:
                return "its kernels are a sum with a LoRA, or quantized"
        return super().unsupported_reason(call)

    def couple(self, call, channels):
        parts = _parts(call.operation)
        query, key, value, out = parts.values()
        self._read(call, channels, parts)
        heads = channels.of(call, value.kernel, 1, "filter")
        channels.of(call, key.kernel, 1, "filter", heads)
        every = np.repeat(heads, query.kernel.shape[1] // heads.size)
        channels.of(call, query.kernel, 1, "filter", every)
        channels.of(call, out.kernel, 0, "input", every)
        shared = channels.of(call, query.kernel, 2, "filter")
        channels.of(call, key.kernel, 2, "input", shared)
        values = channels.of(call, value.kernel, 2, "filter")
        channels.of(call, out.kernel, 1, "input", values)
        made = channels.of(call, out.kernel, 2, "filter")
        rows = (query, every, shared), (key, heads, shared)
        for part, *labels in (*rows, (value, heads, values), (out, made)):
            for axis, own in enumerate(labels):
                channels.of(call, part.bias, axis, "shift", own)
        self._size(call, channels, heads, shared, values, made)
        return [layout.along(made, 2, 3)]

    def propagate(self, call, reads):
        query, key, value, out = _parts(call.operation).values()
        given = self._known(call, call.inputs)
        for part, one in zip((query, value, key), given, strict=True):
            kernel = _array(part.kernel)
            known, entries = constants.vector(one, 2, kernel.shape[0])
            matrix = kernel.reshape(1, kernel.shape[0], -1)
            zero = known & (entries == 0)
            reads.add(part.kernel, matrix, known, zero, entries, axis=0)
        kernel, (heads, values) = _array(out.kernel), _zeros(value)
        heads = np.repeat(heads, kernel.shape[0] // heads.size)
        self._add_zeros(reads, out.kernel, 0, heads, np.moveaxis(kernel, 1, 0))
        self._add_zeros(reads, out.kernel, 1, values, kernel)
        # Keys without a kernel still have a bias: nothing is not read.
        _, shared = _zeros(query)
        every = np.ones((1, shared.size, 1))
        self._add_zeros(reads, key.kernel, 2, shared, every)
        bias = np.zeros(kernel.shape[2]) if out.bias is None else out.bias
        known = ~np.any(kernel, axis=(0, 1))
        return [constants.along(known, _array(bias), 2, 3)]

    def readers(self, call):
        query, key, value, out = _parts(call.operation).values()

        def positions(place, given):
            return weighted.positions([self._known(call, given)[place]])

        found = [
            readers.Reader(part, (0,), functools.partial(positions, place))
            for place, part in enumerate((query, value, key))
        ]
        if "output_shape" not in call.operation.get_config():
            return found
        rows = functools.partial(_heads, call)
        return [*found, readers.Reader(out, (0, 1), rows)]

    def rebuild(self, call, stays):
        return {name: int(own.sum()) for name, own in stays.items()}

    def rescale(self, call, stays):
        """Scores are divided by the root of how many channels are shared."""
        query = _parts(call.operation)["query"]
        factor = np.sqrt(self._shared(stays).mean())
        own = [x for x in (query.kernel, query.bias) if x is not None]
        return [(x, lambda value: factor * value) for x in own]

    def _size(self, call, channels, heads, shared, values, made):
        own = {"num_heads": heads, "key_dim": shared, "value_dim": values}
        channels.size(call, {**own, "output_shape": made})

    def _shared(self, stays):
        return stays["key_dim"]

    def _read(self, call, channels, parts):
        """Couples the kernels with what they read."""
        given = self._known(call, call.inputs)
        for name, labels in zip(_TAKEN, given, strict=True):
            kernel = parts[name].kernel
            read = channels.vector(labels, 2, kernel.shape[0])
            channels.of(call, kernel, 0, "input", read)

    def _known(self, call, values):
        """What belongs to the query, the value and the key of a call."""
        found = call.named(_TAKEN, values)
        return [found.get(name, found.get("value")) for name in _TAKEN]

    def _add_zeros(self, reads, kernel, axis, known, matrix):
        zero = np.zeros(known.shape)
        reads.add(kernel, matrix, known, known, zero, axis=axis)


class GroupedQueryAttention(Attention):
    """Several heads of queries for each of keys and values, of one size."""

    names = {"GroupedQueryAttention"}

    def rebuild(self, call, stays):
        found = super().rebuild(call, stays)
        repeats = call.operation.num_query_heads // stays["heads"].size
        heads = found.pop("heads")
        found |= {"num_key_value_heads": heads}
        return {**found, "num_query_heads": repeats * heads}

    def _size(self, call, channels, heads, shared, values, made):
        channels.unite(shared, values)
        channels.size(call, {"heads": heads, "head_dim": shared})
        # It gives as many as its queries have.
        query = _parts(call.operation)["query"].kernel
        channels.unite(channels.of(call, query, 0, "input"), made)

    def _shared(self, stays):
        return stays["head_dim"]


def _parts(layer):
    """The projections of queries, keys, values and outputs, by name."""
    found = {part.name: part for part in backend.sublayers(layer)}
    return {x: found[x] for x in ("query", "key", "value", "attention_output")}


def _heads(call, given):
    """What a layer gives whose output has a channel for each weight of it."""
    layer = call.operation
    *taps, _ = _parts(layer)["attention_output"].kernel.shape
    size = math.prod(taps)
    own = type(layer).from_config({**layer.get_config(), "output_shape": size})
    (x,) = dataclasses.replace(call, operation=own)(given)
    for name, part in _parts(own).items():
        if name == "attention_output":
            values = [np.eye(size).reshape(*taps, size), np.zeros(size)]
        else:
            values = _parts(layer)[name].weights
        for variable, value in zip(part.weights, values, strict=False):
            variable.assign(value)
    (x,) = dataclasses.replace(call, operation=own)(given)
    return weighted.positions([x])


def _array(variable):
    return np.asarray(backend.to_numpy(variable))


def _zeros(part):
    """Which heads, and which channels of all heads, are always zero."""
    entries = np.any(_array(part.kernel), axis=0)
    if part.bias is not None:
        entries = entries | (_array(part.bias) != 0)
    return ~np.any(entries, axis=1), ~np.any(entries, axis=0)
