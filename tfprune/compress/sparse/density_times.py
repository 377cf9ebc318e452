"""How long a layer takes dense, and sparse at several densities."""

from __future__ import annotations

import keras
import numpy as np

from tfprune import ops
from tfprune.compress.sparse import alternatives
from tfprune.compress.sparse import sparsify
from tfprune.profiling import timer

DENSITIES = (0.005, 0.02, 0.05, 0.1, 0.2, 0.4)
_DENSE = "dense"


def density_times(layer: keras.layers.Layer, shape, rounds: int = 30) -> dict:
    """Measures a layer dense and sparse: the faster, at each density.

    Sparse are random weights, at each of `DENSITIES`; at density 1, and where
    a layer cannot be sparse, it is the time of the dense layer.

    Args:
        layer: Keras layer, built, of a kind in `alternatives.DIRECT`.
        shape: Tuple, the shape of the input, batch included.
        rounds: Integer, how often each is timed, in turn. Defaults to 30.
    """
    candidates: dict = {_DENSE: layer}
    compiled = ops.library.load().ops is not None
    if compiled and not sparsify.unsupported_reason(
        layer, DENSITIES[-1], shape
    ):
        candidates |= {d: _sparse(layer, d) for d in DENSITIES}
    times = timer.layers(candidates, shape, rounds)
    dense = times.pop(_DENSE)
    return {d: min(ms, dense) for d, ms in times.items()} | {1.0: dense}


def _sparse(layer, density):
    """A sparse layer with random weights of that density."""
    copied = type(layer).from_config(layer.get_config())
    copied.build_from_config(layer.get_build_config())
    random = np.random.default_rng(0)
    kept = random.random(copied.kernel.shape) < density
    # One at least, as a layer of nothing but zeros may be a case of its own.
    kept.flat[0] = True
    copied.kernel.assign(np.where(kept, random.normal(size=kept.shape), 0))
    return alternatives.DIRECT[type(layer)].from_dense(copied)
