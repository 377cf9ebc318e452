"""Recurrent layers: their units, and what reads them, themselves too."""

from __future__ import annotations

import numpy as np

from tfprune import backend
from tfprune.compress.filters import constants
from tfprune.compress.filters import layout
from tfprune.compress.filters.operations import base

# How many gates there are, and which of them makes the state.
_GATES = {"SimpleRNN": (1, 0), "GRU": (3, 2), "LSTM": (4, 2)}


class Recurrent(base.Operation):
    """Kernels `(inputs, gates x units)` and `(units, gates x units)`.

    A unit whose state begins with zero and gets nothing stays zero.
    """

    names = set(_GATES)

    def unsupported_reason(self, call):
        layer = call.operation
        if layer.return_state:
            return "its state is an output"
        if "initial_state" in call.kwargs or len(call.args) > 1:
            return "its state is given"
        if float(layer.activation(np.zeros(1, "float32"))[0]):
            return "its activation does not keep zeros"
        return super().unsupported_reason(call)

    def couple(self, call, channels):
        cell, (labels, *_) = call.operation.cell, call.inputs
        read = channels.vector(labels, 2, cell.kernel.shape[0])
        channels.of(call, cell.kernel, 0, "input", read)
        units = channels.of(call, cell.recurrent_kernel, 0, "input")
        made = np.tile(units, _GATES[call.kind][0])
        channels.of(call, cell.kernel, 1, "filter", made)
        channels.of(call, cell.recurrent_kernel, 1, "filter", made)
        channels.of(call, cell.bias, -1, "shift", made)
        return [self._given(call, channels.size(call, units))]

    def propagate(self, call, reads):
        cell, (given, *_) = call.operation.cell, call.inputs
        kernel = backend.to_numpy(cell.kernel)
        known, value = constants.vector(given, 2, kernel.shape[0])
        zero = known & (value == 0)
        reads.add(cell.kernel, kernel[None], known, zero, value, axis=0)
        recurrent, empty = cell.recurrent_kernel, self._empty(call)
        matrix = backend.to_numpy(recurrent)[None]
        nothing = np.zeros(empty.shape)
        reads.add(recurrent, matrix, empty, empty, nothing, axis=0)
        return [constants.zeros(self._given(call, empty))]

    def rebuild(self, call, stays):
        return {"units": int(stays.sum())}

    def _given(self, call, units):
        rank = 3 if call.operation.return_sequences else 2
        return layout.along(units, rank - 1, rank)

    def _empty(self, call):
        """Which units never get anything."""
        cell, (gates, place) = call.operation.cell, _GATES[call.kind]
        weights = [cell.kernel, cell.recurrent_kernel, cell.bias]
        used = [
            np.any(np.split(_rows(x), gates, axis=1)[place], axis=0)
            for x in weights
            if x is not None
        ]
        return ~np.logical_or.reduce(used)


def _rows(variable):
    array = np.asarray(backend.to_numpy(variable))
    return array.reshape(-1, array.shape[-1])
