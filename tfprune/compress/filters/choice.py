"""choice: which channels of each dependency group go."""

from __future__ import annotations

import numpy as np

from tfprune import backend
from tfprune.compress.filters import channel_graph
from tfprune.compress.filters import elimination
from tfprune.utils import validation


def removed(
    graph: channel_graph.ChannelGraph, sparsity, data: list | None = None
) -> np.ndarray:
    """Chooses the channels that go.

    Args:
        graph: `ChannelGraph`.
        sparsity: As `zero_filters` takes it.
        data: List of arrays, a batch of examples for each input, which tell
            the channels that others can stand in for; or None (default): those
            of least norm go.

    Returns:
        Bool array, `(graph.count,)`.

    Raises:
        ValueError: for a name that is unknown, or a share that is none.
    """
    groups = graph.groups()
    names = [_names(graph, group) for group in groups]
    _check(sparsity, {name for own in names for name in own} | _leaves(graph))
    found, scores = np.zeros(graph.count, bool), _scores(graph)
    known = None if data is None else elimination.Elimination(graph, data)
    for group, own in zip(groups, names, strict=True):
        # The slack absorbs what is lost in 1 - kept / all.
        count = int(_share(sparsity, own) * group.channels.size + 1e-6)
        if not count:
            continue
        order = known.order(group.channels, count) if known else None
        if order is None:
            order = np.argsort(scores[group.channels], kind="stable")[:count]
        found[group.channels[order]] = True
    return found


def _leaves(graph):
    return {layer.name for layer in graph.model_graph.leaves}


def _names(graph, group):
    """The layers that make these channels, and what they call their number."""
    found = set(group.layers)
    makers = {id(maker.layer): maker.layer.name for maker in group.makers}
    for call, labels in graph.shapes:
        name = makers.get(id(call.operation))
        if name and isinstance(labels, dict):
            found |= {
                f"{name}/{argument}"
                for argument, own in labels.items()
                if np.isin(own, group.channels).any()
            }
    return found


def _check(sparsity, known):
    if not isinstance(sparsity, dict):
        return validation.check_sparsity("sparsity", sparsity)
    for name, share in sparsity.items():
        if name not in known:
            raise ValueError(
                validation.unknown("sparsity", name, sorted(known))
            )
        validation.check_sparsity(f"sparsity[{name!r}]", share)
    return None


def _share(sparsity, names):
    """The part that goes of what some layers make."""
    if not isinstance(sparsity, dict):
        return sparsity
    return max(sparsity.get(name, 0.0) for name in names)


def _scores(graph):
    """The score of each channel, by its number."""
    sums, counts = np.zeros((2, graph.count))
    for axis in graph.axes:
        if axis.role == "filter":
            value = backend.to_numpy(axis.variable)
            rows = np.moveaxis(value, axis.axis, 0).reshape(
                len(axis.channels), -1
            )
            squares = np.sum(np.square(rows), axis=1)
            np.add.at(sums, axis.channels, squares / (squares.mean() or 1))
            np.add.at(counts, axis.channels, 1)
    return sums / np.maximum(counts, 1)
