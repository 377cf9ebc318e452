"""Latency: what a call of a compressed model takes, on this machine.

Measured are the model and its layers, dense and in a few compressed forms,
once. What a candidate takes is interpolated between these.
"""

from __future__ import annotations

import typing

import keras
import numpy as np

from tfprune.compress import strip
from tfprune.compress.low_rank import acceptance
from tfprune.compress.low_rank import candidates
from tfprune.compress.sparse import alternatives
from tfprune.compress.sparse import density_times
from tfprune.compress.sparse import sparsify
from tfprune.graph import leaves
from tfprune.graph import model_graph
from tfprune.profiling import timer

_BATCH = 1
_ROUNDS = 30
_SHARES = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)


def of_model(model: keras.Model) -> float:
    """Measures a call of a model with one example, in milliseconds."""
    return timer.models({"whole": model}, _BATCH, _ROUNDS)["whole"]


def of_weights(model: keras.Model, targets: list) -> WeightLatency:
    """Measures a model with masks, for calls with one example.

    What has no mask, and layers of which there are no sparse ones, take the
    rest of the model's time.

    Args:
        model: Keras model.
        targets: List of `Target`, in the order of the columns of `kept`.
    """
    calls = model_graph.ModelGraph(model).calls
    layers = {
        id(x): leaf.layer for leaf in leaves.leaves(model) for x in leaf.weights
    }
    kernels, times, measured = [], [], {}
    for column, target in enumerate(targets):
        layer = layers[id(target.variable)]
        if target.role == "kernel" and _may_be_sparse(layer, calls):
            shape = sparsify.input_shape(layer, calls.get(id(layer)), _BATCH)
            kind = _kind(layer, shape)
            if kind not in measured:
                measured[kind] = density_times.density_times(
                    layer, shape, _ROUNDS
                )
            kernels.append((column, int(np.prod(target.variable.shape))))
            times.append(measured[kind])
    layered = sum(own[1.0] for own in times)
    bare = strip.unwrapped(model) if strip.is_wrapped(model) else model
    return WeightLatency(kernels, times, max(of_model(bare) - layered, 0.0))


class WeightLatency:
    """Milliseconds of a call, by the weights kept of masked arrays.

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


def saved_by_rank(candidate: candidates.Candidate) -> typing.Callable:
    """Measures a layer whole, and factorised at some ranks, in turn.

    Args:
        candidate: `Candidate`.

    Returns:
        Callable, a rank to the milliseconds that it saves of a call of the
        model with one example, interpolated between the ranks measured; a
        lower rank never takes longer. It is 0 of a layer whose input is of
        sizes that are not known.
    """
    shape = acceptance.input_shape(candidate, _BATCH)
    if None in shape:
        return lambda rank: 0.0
    full = candidate.full_rank
    ranks = sorted({max(round(share * full), 1) for share in _SHARES})
    split = {str(r): acceptance.chained(candidate.split(r)) for r in ranks}
    calls = {"dense": candidate.layer, **split}
    times = timer.layers(calls, shape, _ROUNDS)
    dense = times["dense"]
    longest = np.maximum.accumulate([times[str(rank)] for rank in ranks])
    uses = len(candidate.calls or [None])
    return lambda rank: uses * (dense - np.interp(rank, ranks, longest))


def _may_be_sparse(layer, calls):
    """Whether `sparsify` may take it: not inside a layer of the user's own."""
    return type(layer) in alternatives.DIRECT and id(layer) in calls


def _kind(layer, shape):
    """What layers of equal times have in common."""
    config = {k: v for k, v in layer.get_config().items() if k != "name"}
    return type(layer), shape, str(config)
