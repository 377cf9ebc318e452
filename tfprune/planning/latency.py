"""Latency: what a call of a pruned net takes, on this machine.

Measured are the net, and its layers dense and with the sparse kernels at a
few densities, once. What a candidate takes is read off between these.
"""

from __future__ import annotations

import numpy as np

from tfprune.compress import strip
from tfprune.compress.sparse import alternatives
from tfprune.compress.sparse import density_times
from tfprune.compress.sparse import sparsify
from tfprune.graph import model_graph
from tfprune.graph import traversal
from tfprune.profiling import timer

_BATCH = 1
_ROUNDS = 30


class Latency:
    """Milliseconds, from the weights kept: an objective.

    Args:
        kernels: List of (column, size), for each kernel: where `kept` has
            its entries, and how many there are.
        times: List (kernels) of dicts, density to milliseconds; what lies
            between is interpolated, and fewer weights never take longer.
        rest: Float, milliseconds of what has no mask.
    """

    unit = "ms"

    def __init__(self, kernels, times, rest: float):
        self._kernels, self._rest = kernels, rest
        self._times = [
            (sorted(own), np.maximum.accumulate([own[d] for d in sorted(own)]))
            for own in times
        ]
        whole = np.zeros(1 + max((x for x, _ in kernels), default=0), int)
        for column, size in kernels:
            whole[column] = size
        self.dense = float(self(whole[None])[0])

    def __call__(self, kept) -> np.ndarray:
        kept = np.asarray(kept, "float64")
        total = np.full(len(kept), self._rest)
        for (column, size), own in zip(self._kernels, self._times, strict=True):
            total += np.interp(kept[:, column] / size, *own)
        return total


def build(model, targets, others) -> Latency:
    """Measures a net with `Prunable` layers, for calls with one example.

    Args:
        model: Keras model.
        targets: List of `Target`, in the order of the columns of `kept`.
        others: Not used: what has no mask, and layers of which there are no
            sparse ones, take the rest of the net's time.
    """
    del others
    bare = strip.strip(model)
    layers = {layer.name: layer for layer in traversal.leaves(bare)}
    calls = model_graph.calls(bare)
    kernels, times, measured = [], [], {}
    for column, target in enumerate(targets):
        layer = layers[target.unit.name]
        if target.role == "kernel" and type(layer) in alternatives.DIRECT:
            found = calls.get(id(layer))
            shape = sparsify.input_shape(layer, found, _BATCH)
            kind = _kind(layer, shape)
            if kind not in measured:
                measured[kind] = density_times.density_times(
                    layer, shape, _ROUNDS
                )
            kernels.append((column, int(np.prod(target.variable.shape))))
            times.append(measured[kind])
    whole = timer.models({"whole": bare}, _BATCH, _ROUNDS)["whole"]
    layered = sum(own[1.0] for own in times)
    return Latency(kernels, times, max(whole - layered, 0.0))


def _kind(layer, shape):
    """What layers of equal times have in common."""
    config = {k: v for k, v in layer.get_config().items() if k != "name"}
    return type(layer), shape, str(config)
