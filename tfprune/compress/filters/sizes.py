"""sizes: how large layers are, as they are and with channels removed."""

from __future__ import annotations

import collections
import math
import typing

import numpy as np

from tfprune.compress.filters import channel_graph
from tfprune.graph import cost
from tfprune.graph import model_graph


class Size(typing.NamedTuple):
    """How large a layer is.

    Args:
        filters: Integer, 0 for a layer that makes no channels.
        parameters: Integer, entries of all its variables.
        macs: Integer, multiply-accumulates of its kernels for one example.
        bytes: Integer, of all its variables.
    """

    filters: int
    parameters: int
    macs: int
    bytes: int


class LayerSize(typing.NamedTuple):
    """A layer, as it is and as it will be.

    Args:
        name: String.
        before: `Size`.
        after: `Size`.
    """

    name: str
    before: Size
    after: Size


def rows(
    graph: channel_graph.ChannelGraph, kept: dict, biases: dict
) -> list[LayerSize]:
    """The rows of all layers with variables of their own.

    Args:
        graph: `ChannelGraph` of the model.
        kept: Dict, as `kept_entries` has it.
        biases: Dict with the ids of layers that get a bias if they have none.
    """
    made = {id(x.layer): x for x in graph.axes if x.role == "filter"}
    calls, found, seen = graph.model_graph.calls, [], set()
    for layer in graph.model_graph.leaves:
        own = [x for x in layer.weights if id(x) not in seen]
        seen |= {id(variable) for variable in own}
        if not own:
            continue
        uses = cost.macs_per_weight(layer, calls.get(id(layer)))
        before, after = (
            _size(own, made.get(id(layer)), uses, x) for x in ({}, kept)
        )
        if id(layer) in biases and layer.bias is None:
            after = _with_bias(after)
        found.append(LayerSize(layer.name, before, after))
    return found


def gone(
    graph: model_graph.ModelGraph, shallow: model_graph.ModelGraph
) -> list[LayerSize]:
    """The rows of the layers of one model that another has not.

    Args:
        graph: `ModelGraph` of the one.
        shallow: `ModelGraph` of the other.
    """
    if shallow is graph:
        return []
    left = collections.Counter(layer.name for layer in shallow.leaves)
    found, nothing = [], Size(0, 0, 0, 0)
    for layer in graph.leaves:
        left[layer.name] -= 1
        if left[layer.name] < 0 and layer.weights:
            uses = cost.macs_per_weight(layer, graph.calls.get(id(layer)))
            before = _size(layer.weights, None, uses, {})
            found.append(LayerSize(layer.name, before, nothing))
    return found


def total(rows: list[LayerSize]) -> LayerSize:
    """The sum of some rows."""
    before, after = (
        Size(*map(sum, zip(*(row[i] for row in rows), strict=True)))
        for i in (1, 2)
    )
    return LayerSize("total", before, after)


def cells(rows: list[LayerSize]) -> list[tuple[str, ...]]:
    """A table of some rows, the header first."""
    return [("layer", *Size._fields), *map(_cells, rows)]


def kept_entries(
    graph: channel_graph.ChannelGraph, removed: np.ndarray
) -> dict[tuple, np.ndarray]:
    """Id of a variable and axis to the indices of the entries that stay.

    Args:
        graph: `ChannelGraph`.
        removed: Bool array, `(graph.count,)`, True for channels removed.
    """
    return {
        (id(axis.variable), axis.axis): np.flatnonzero(~removed[axis.channels])
        for axis in graph.axes
        if axis.is_cut
    }


def shape_after(variable, kept: dict) -> list[int]:
    """The shape of a variable of whose entries some are kept.

    Args:
        variable: Keras variable.
        kept: Dict, as `kept_entries` has it.
    """
    return [
        kept[id(variable), axis].size if (id(variable), axis) in kept else size
        for axis, size in enumerate(variable.shape)
    ]


def _cells(row):
    pairs = zip(row.before, row.after, strict=True)
    return row.name, *(f"{a} -> {b}" if a else "" for a, b in pairs)


def _size(variables, made, uses, kept):
    shapes = [shape_after(variable, kept) for variable in variables]
    sizes = list(zip(variables, map(math.prod, shapes), strict=True))
    return Size(
        shape_after(made.variable, kept)[made.axis] if made else 0,
        sum(size for _, size in sizes),
        sum(uses * size for x, size in sizes if cost.is_multiplied(x)),
        sum(size * np.dtype(x.dtype).itemsize for x, size in sizes),
    )


def _with_bias(size):
    """A bias is as long as there are filters, in numbers of four bytes."""
    return size._replace(
        parameters=size.parameters + size.filters,
        bytes=size.bytes + 4 * size.filters,
    )
