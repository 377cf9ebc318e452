"""removal_plan: which filters of a model can go, and what that saves."""

from __future__ import annotations

import collections.abc
import dataclasses
import math
import typing

import keras
import numpy as np

from tfprune import backend
from tfprune.compress import recalibrate
from tfprune.compress import strip
from tfprune.compress.filters import channel_graph
from tfprune.compress.filters import constant_propagation
from tfprune.graph import cost
from tfprune.graph import model_graph
from tfprune.utils import tables
from tfprune.utils import validation


def plan_removal(model: keras.Model, divisor: int = 1) -> Plan:
    """Finds the filters that a model can do without, and changes nothing.

    A channel (`channel_graph`) goes where all that read it get constants and
    can take them in: zeros, or, in a layer that sees no border of zeros, any
    value, which becomes part of its bias. At least one filter of each layer
    stays.

    Args:
        model: Sequential or Functional model without `Prunable` layers.
        divisor: Integer: filters stay so that each layer has a multiple of
            it, where it has enough. Defaults to 1.

    Returns:
        A `Plan`. Print it for a table of layers and what stays, and why.

    Raises:
        ValueError: for a subclassed model, one that is not stripped, or a
            `divisor` below 1.

    Example:

    ```python
    plan = plan_removal(tfprune.strip(model))
    print(plan)
    ```
    """
    strip.check_stripped(model, "slim")
    return build(model_graph.ModelGraph(model), divisor)


def build(graph: model_graph.ModelGraph, divisor: int) -> Plan:
    """The plan of a stripped model, from its graph: see `plan_removal`."""
    validation.check_count("divisor", divisor, least=1)
    channels = channel_graph.build(graph)
    reads = constant_propagation.reads(graph)
    removed, notes = removable(channels, reads)
    removed, more = _leave_some(channels, removed, divisor)
    untrained = recalibrate.untrained(graph.model)
    more += [untrained] if untrained else []
    kept = kept_entries(channels, removed)
    biases = _biases(channels, reads, removed)
    rows = sizer(channels)(removed, biases)
    return Plan(channels, removed, kept, biases, rows, notes + more)


def kept_entries(
    graph: channel_graph.ChannelGraph, removed: np.ndarray
) -> dict[tuple, np.ndarray]:
    """Id of a variable and axis to the indices of the entries that stay.

    Args:
        graph: `ChannelGraph`.
        removed: Bool array, `(graph.count,)`, True for channels that go.
    """
    return {
        (id(dim.variable), dim.axis): np.flatnonzero(~removed[dim.channels])
        for dim in graph.axes
    }


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


class Row(typing.NamedTuple):
    """A layer, as it is and as it will be.

    Args:
        name: String.
        before: `Size`.
        after: `Size`.
    """

    name: str
    before: Size
    after: Size


@dataclasses.dataclass(frozen=True, eq=False)
class Plan:
    """What can go.

    Args:
        graph: `ChannelGraph`.
        removed: Bool array, `(graph.count,)`, True for a channel that goes.
        kept: Dict, id of a variable and axis to the entries that stay.
        biases: Dict, id of a layer to what its bias takes in.
        rows: List of `Row`, the layers with variables.
        notes: List of strings: what is constant and stays, and why.
    """

    graph: channel_graph.ChannelGraph
    removed: np.ndarray
    kept: dict[tuple, np.ndarray]
    biases: dict[int, np.ndarray]
    rows: list[Row]
    notes: list[str]

    @property
    def total(self) -> Row:
        """The sum of all rows."""
        return total(self.rows)

    def __str__(self) -> str:
        cells = [("layer", *Size._fields)]
        cells += map(_cells, [*self.rows, self.total])
        table = tables.aligned(cells)
        return "\n".join([*table, str(self.graph), *self.notes])


def total(rows: list[Row]) -> Row:
    """Returns the sum of some rows."""
    before, after = (
        Size(*map(sum, zip(*(row[i] for row in rows), strict=True)))
        for i in (1, 2)
    )
    return Row("total", before, after)


def _cells(row):
    pairs = zip(row.before, row.after, strict=True)
    return row.name, *(f"{a} -> {b}" if a else "" for a, b in pairs)


def removable(graph: channel_graph.ChannelGraph, reads: dict) -> tuple:
    """Returns the channels that nothing needs, and notes on others.

    Args:
        graph: `ChannelGraph`.
        reads: Dict, as `constant_propagation.reads` gives it.

    Returns:
        Bool array, `(graph.count,)`, and list of strings.
    """
    live = ~graph.free
    stuck, notes = [], []
    for dim in _reading(graph):
        calls = reads[id(dim.variable)]
        known = np.all([read.known for read in calls], axis=0)
        absorbed = np.all([read.absorbed for read in calls], axis=0)
        same = np.all([x.value == calls[0].value for x in calls], axis=0)
        live[dim.channels[~known]] = True
        stuck.append((dim, dim.channels[known & ~(absorbed & same)]))
    removed = ~live
    for dim, channels in stuck:
        count = np.unique(channels[~live[channels]]).size
        if count:
            notes.append(
                f"{dim.where}: {count} of the channels that it reads are "
                "constant and stay: its bias can't stand in for them"
            )
        removed[channels] = False
    return removed, notes


def _reading(graph):
    return [dim for dim in graph.axes if dim.role == "input"]


def _leave_some(graph, removed, divisor):
    """Returns what goes if each layer must have some left, and notes."""
    made = [dim for dim in graph.axes if dim.role == "filter"]
    notes = [
        f"{dim.where}: all of its filters could go; some stay for its form"
        for dim in made
        if removed[dim.channels].all()
    ]
    removed, count = removed.copy(), None
    while removed.sum() != count:
        count = removed.sum()
        for dim in made:
            _take_back(dim.channels, removed, divisor)
    return removed, notes


def _take_back(channels, removed, divisor):
    """Lets channels stay for a multiple of a divisor, and for one at least."""
    kept = np.count_nonzero(~removed[channels])
    wanted = math.ceil(max(kept, 1) / divisor) * divisor
    for channel in channels[removed[channels]]:
        if np.count_nonzero(~removed[channels]) >= wanted:
            return
        removed[channel] = False


def _biases(graph, reads, removed):
    """Returns what each layer's bias takes in of the channels that go."""
    found = {}
    for dim in _reading(graph):
        value = np.where(
            removed[dim.channels], reads[id(dim.variable)][0].value, 0
        )
        if value.any():
            kernel = backend.to_numpy(dim.variable)
            taps = kernel.reshape(-1, *kernel.shape[-2:]).sum(0)
            found[id(dim.layer)] = value @ taps
    return found


def sizer(
    graph: channel_graph.ChannelGraph,
) -> collections.abc.Callable[..., list[Row]]:
    """A function of what is removed to the rows of a model's layers.

    Args:
        graph: `ChannelGraph` of the model.

    Returns:
        Callable: bool array `(count,)`, True for a channel that goes, and
        dict, id of a layer to what its bias takes in, to a list of `Row`.
    """
    layers = _layers(graph.model_graph)
    made = {id(x.layer): x for x in graph.axes if x.role == "filter"}

    def rows(removed, biases=()):
        kept, found = kept_entries(graph, removed), []
        for layer, own, uses in layers:
            filters = made.get(id(layer))
            before = _size(own, filters, uses, {})
            after = _size(own, filters, uses, kept)
            if id(layer) in biases and layer.bias is None:
                after = _with_bias(after)
            found.append(Row(layer.name, before, after))
        return found

    return rows


def _layers(graph):
    """Layers with variables of their own, these, and MACs per weight."""
    found, seen = [], set()
    for layer in graph.leaves:
        own = [x for x in layer.weights if id(x) not in seen]
        seen |= {id(variable) for variable in own}
        if own:
            uses = cost.macs_per_weight(layer, graph.calls.get(id(layer)))
            found.append((layer, own, uses))
    return found


def _size(variables, made, uses, kept):
    shapes = [shape_after(variable, kept) for variable in variables]
    sizes = list(zip(variables, map(math.prod, shapes), strict=True))
    return Size(
        shape_after(made.variable, kept)[made.axis] if made else 0,
        sum(size for _, size in sizes),
        sum(uses * size for x, size in sizes if x.name.endswith("kernel")),
        sum(size * np.dtype(x.dtype).itemsize for x, size in sizes),
    )


def _with_bias(size):
    """A bias is as long as there are filters, in numbers of four bytes."""
    return size._replace(
        parameters=size.parameters + size.filters,
        bytes=size.bytes + 4 * size.filters,
    )


def shape_after(variable, kept: dict) -> list[int]:
    """Returns the shape that a variable has when filters are removed."""
    return [
        kept[id(variable), axis].size if (id(variable), axis) in kept else size
        for axis, size in enumerate(variable.shape)
    ]
