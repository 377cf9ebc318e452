"""Tables of embeddings: of tokens, of positions, and read backwards."""

from __future__ import annotations

import numpy as np

from tfprune import backend
from tfprune.compress.filters import constants
from tfprune.compress.filters import layout
from tfprune.compress.filters.operations import base
from tfprune.compress.filters.operations import weighted

_HUB = "keras_hub.src.layers.modeling"


class Embedding(weighted.Weighted):
    """A table `(tokens, channels)`."""

    names = {"Embedding"}

    def couple(self, call, channels):
        made = channels.axis(call, "embeddings", -1, "filter")
        channels.size(call, made)
        return [layout.along(made, -1, len(call.tensors[0].shape) + 1)]

    def propagate(self, call, reads):
        known = _empty(call.operation.embeddings)
        rank = len(call.tensors[0].shape) + 1
        return [constants.zeros(layout.along(known, -1, rank))]

    def rebuild(self, call, stays):
        return {"output_dim": int(stays.sum())}


class ReversibleEmbedding(Embedding):
    """Backwards, its table or one of its own is a kernel of all channels."""

    names = {
        "ReversibleEmbedding",
        f"{_HUB}.reversible_embedding.ReversibleEmbedding",
    }

    def couple(self, call, channels):
        layer = call.operation
        if not _is_backwards(call):
            found = super().couple(call, channels)
            if not layer.tie_weights:  # They are as long, used or not.
                table, made = layer.reverse_embeddings, np.ravel(*found)
                channels.of(call, table, 0, "input", made)
            return found
        (labels,), (table, axis) = call.inputs, self._kernel(layer)
        read = channels.vector(labels, -1, table.shape[axis])
        channels.of(call, table, axis, "input", read)
        reason = f"{call.where} ({call.kind}): it gives a number for each token"
        return [channels.fixed(labels.ndim, reason)]

    def propagate(self, call, reads):
        if not _is_backwards(call):
            return super().propagate(call, reads)
        (given,), (table, axis) = call.inputs, self._kernel(call.operation)
        rows = np.moveaxis(np.asarray(backend.to_numpy(table)), axis, 0)
        known, value = constants.vector(given, -1, len(rows))
        zero = known & (value == 0)
        reads.add(table, rows[None], known, zero, value, axis=axis)
        return [constants.unknown(given.known.ndim)]

    def _kernel(self, layer):
        """What it multiplies with backwards, and the axis that is read."""
        if layer.tie_weights:
            return layer.embeddings, 1
        return layer.reverse_embeddings, 0


class PositionEmbedding(base.Operation):
    """A table `(positions, channels)`, for each example of what it takes."""

    names = {f"{_HUB}.position_embedding.PositionEmbedding"}
    takes_one = True

    def couple(self, call, channels):
        (labels,), table = call.inputs, call.operation.position_embeddings
        size = table.shape[1]
        read = channels.vector(labels, -1, size)
        made = channels.of(call, table, 1, "filter", read)
        return [layout.along(made, -1, labels.ndim)]

    def propagate(self, call, reads):
        known = _empty(call.operation.position_embeddings)
        rank = call.inputs[0].known.ndim
        return [constants.zeros(layout.along(known, -1, rank))]


def _empty(table):
    return ~np.any(backend.to_numpy(table), axis=0)


def _is_backwards(call):
    return bool(call.kwargs.get("reverse") or call.args[1:2] == [True])
