"""zero_filters: the least of a model's filters become zero, at once."""

from __future__ import annotations

import keras
import numpy as np

from tfprune import backend
from tfprune.compress import strip
from tfprune.compress.filters import channel_graph
from tfprune.graph import cloning
from tfprune.graph import traversal
from tfprune.utils import validation

_ZEROED = ("filter", "scale", "shift", "mean")


def zero_filters(
    model: keras.Model, sparsity: float | dict[str, float] = 0.5
) -> keras.Model:
    """Returns a copy of a model in which a part of its filters gives zero.

    Filters that are tied (see `channel_graph`) go together. A tie's score is
    the mean over its filters of their squared norms, each divided by the mean
    of its kernel. The least of those that the same layers make go.

    Args:
        model: Sequential or Functional model without `Prunable` layers.
        sparsity: Float in [0, 1), the part of them that goes, rounded down.
            Or a dict, layer to that: filters go that one of its layers makes.
            Defaults to 0.5.

    Returns:
        A Keras model of the same shape. What goes is zero in kernels, biases,
        normalizations and their means. `remove_filters` makes it smaller.

    Reference:
        Li et al. Pruning Filters for Efficient ConvNets. ICLR 2017.
    """
    strip.check_stripped(model, "slim")
    _check(model, sparsity)
    zeroed = cloning.clone(model, lambda layer, copied: copied)
    graph = channel_graph.channel_graph(zeroed)
    scores, gone = _scores(graph), np.zeros(graph.count, bool)
    for makers, ties in graph.makers().items():
        share = _share(sparsity, [graph.slots[i].layer.name for i in makers])
        order = np.argsort(scores[ties], kind="stable")
        # The slack absorbs what is lost in 1 - kept / all.
        gone[ties[order[: int(share * ties.size + 1e-6)]]] = True
    zero(graph, gone)
    return zeroed


def zero(graph: channel_graph.ChannelGraph, gone: np.ndarray) -> None:
    """Makes all that gives some ties zero, in place.

    Args:
        graph: `ChannelGraph`.
        gone: Bool array, `(graph.count,)`.
    """
    for slot in graph.slots:
        if slot.role in _ZEROED and gone[slot.ties].any():
            value = np.array(backend.to_numpy(slot.variable))
            np.moveaxis(value, slot.axis, 0)[gone[slot.ties]] = 0
            slot.variable.assign(value)


def _check(model, sparsity):
    if not isinstance(sparsity, dict):
        return validation.check_sparsity("sparsity", sparsity)
    known = [layer.name for layer in traversal.leaves(model)]
    for name, share in sparsity.items():
        if name not in known:
            raise ValueError(validation.unknown("sparsity", name, known))
        validation.check_sparsity(f"sparsity[{name!r}]", share)


def _share(sparsity, names):
    """Returns the part that goes of what some layers make."""
    if not isinstance(sparsity, dict):
        return sparsity
    return max(sparsity.get(name, 0.0) for name in names)


def _scores(graph):
    """Returns the score of each tie, by its number."""
    sums, counts = np.zeros((2, graph.count))
    for slot in graph.slots:
        if slot.role == "filter":
            value = backend.to_numpy(slot.variable)
            rows = np.moveaxis(value, slot.axis, 0).reshape(len(slot.ties), -1)
            squares = np.sum(np.square(rows), axis=1)
            np.add.at(sums, slot.ties, squares / (squares.mean() or 1))
            np.add.at(counts, slot.ties, 1)
    return sums / np.maximum(counts, 1)
