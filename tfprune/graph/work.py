"""Work: what layers cost, by the number of times that weights are used."""

from __future__ import annotations

import math

import keras

from tfprune.graph import model_graph
from tfprune.graph import positions
from tfprune.graph import traversal
from tfprune.utils import counts


def macs(layer: keras.layers.Layer, calls: list | None = None) -> int:
    """Returns the multiply-accumulates of a layer's kernels, for one example.

    Args:
        layer: Keras layer, built.
        calls: List, for each call its input shapes, or None: once, on what
            it was built on. Defaults to None.
    """
    sizes = [
        math.prod(x.shape) for x in layer.weights if x.name.endswith("kernel")
    ]
    if not sizes:
        return 0
    uses = sum(positions.positions(layer, shapes) for shapes in calls or [None])
    return counts.macs(sum(sizes), uses)


def parameters(layer: keras.layers.Layer, calls: list | None = None) -> int:
    """Returns the entries of a layer's weights; `calls` do not matter."""
    return sum(math.prod(x.shape) for x in layer.weights)


def total(model: keras.Model, count) -> int:
    """Returns what all layers of a model cost.

    Args:
        model: Keras model, built.
        count: `macs` or `parameters`.
    """
    calls = model_graph.calls(model)
    return sum(
        count(x, calls.get(id(x)) or None) for x in traversal.leaves(model)
    )


COSTS = {"macs": macs, "parameters": parameters}
