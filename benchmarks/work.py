"""Work: the multiply-accumulates of a net."""

from __future__ import annotations

import keras

from tfprune.graph import model_graph
from tfprune.reports import leaves
from tfprune.reports import rows


def layers(model: keras.Model) -> list[tuple]:
    """Returns each layer with weights, and its row of the report.

    Args:
        model: Keras model; its zeros count as pruned.
    """
    calls = model_graph.calls(model)
    return [
        (leaf.layer, rows.row(leaf, calls.get(id(leaf.layer)) or [None], False))
        for leaf in leaves.leaves(model)
    ]


def total(model: keras.Model) -> int:
    """Returns the multiply-accumulates of an example."""
    return sum(row.macs for _, row in layers(model))


def kept(model: keras.Model) -> float:
    """Returns the part of them that is left: without those with a zero."""
    left = sum(row.macs_kept for _, row in layers(model))
    return left / total(model)
