"""removal_plan: which filters of a model can go, and what that saves."""

from __future__ import annotations

import dataclasses
import math
import typing

import keras
import numpy as np

from tfprune import backend
from tfprune.compress import recalibrate
from tfprune.compress import strip
from tfprune.compress.filters import channel_graph
from tfprune.compress.filters import constant_reads
from tfprune.graph import model_graph
from tfprune.graph import positions
from tfprune.graph import traversal
from tfprune.utils import validation


def plan_removal(model: keras.Model, divisor: int = 1) -> Plan:
    """Finds the filters that a model can do without, and changes nothing.

    A tie (`channel_graph`) goes where all that read it get constants and can
    take them in: zeros, or, in a layer that sees no border
    of zeros, any value, which becomes part of its bias. At least one filter of
    each layer stays.

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
    validation.check_count("divisor", divisor, least=1)
    graph = channel_graph.channel_graph(model)
    reads = constant_reads.reads(model)
    gone, notes = removable(graph, reads)
    gone, more = _leave_some(graph, gone, divisor)
    untrained = recalibrate.untrained(model)
    more += [untrained] if untrained else []
    kept = _kept(graph, gone)
    biases = _biases(graph, reads, gone)
    rows = sizer(model, graph)(gone, biases)
    return Plan(graph, gone, kept, biases, rows, notes + more)


def _kept(graph, gone):
    """Returns id of a variable and axis to the entries that stay."""
    return {
        (id(slot.variable), slot.axis): np.flatnonzero(~gone[slot.ties])
        for slot in graph.slots
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
        gone: Bool array, `(graph.count,)`, True for a tie that goes.
        kept: Dict, id of a variable and axis to the entries that stay.
        biases: Dict, id of a layer to what its bias takes in.
        rows: List of `Row`, the layers with variables.
        notes: List of strings: what is constant and stays, and why.
    """

    graph: channel_graph.ChannelGraph
    gone: np.ndarray
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
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        table = [
            "  ".join(map(str.ljust, row, widths)).rstrip() for row in cells
        ]
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
    """Returns the ties that nothing needs, and notes on others.

    Args:
        graph: `ChannelGraph`.
        reads: Dict, as `constant_reads.reads` gives it.

    Returns:
        Bool array, `(graph.count,)`, and list of strings.
    """
    live = ~graph.free
    stuck, notes = [], []
    for slot in _reading(graph):
        calls = reads[id(slot.variable)]
        known = np.all([read.known for read in calls], axis=0)
        absorbed = np.all([read.absorbed for read in calls], axis=0)
        same = np.all([x.value == calls[0].value for x in calls], axis=0)
        live[slot.ties[~known]] = True
        stuck.append((slot, slot.ties[known & ~(absorbed & same)]))
    gone = ~live
    for slot, ties in stuck:
        count = np.unique(ties[~live[ties]]).size
        if count:
            notes.append(
                f"{slot.where}: {count} of the channels that it reads are "
                "constant and stay: its bias can't stand in for them"
            )
        gone[ties] = False
    return gone, notes


def _reading(graph):
    return [slot for slot in graph.slots if slot.role == "input"]


def _leave_some(graph, gone, divisor):
    """Returns the ties that go if each layer must have some left, and notes."""
    made = [slot for slot in graph.slots if slot.role == "filter"]
    notes = [
        f"{slot.where}: all of its filters could go; some stay for its form"
        for slot in made
        if gone[slot.ties].all()
    ]
    gone, count = gone.copy(), None
    while gone.sum() != count:
        count = gone.sum()
        for slot in made:
            _take_back(slot.ties, gone, divisor)
    return gone, notes


def _take_back(ties, gone, divisor):
    """Lets ties stay for a multiple of a divisor, and for one at least."""
    kept = np.count_nonzero(~gone[ties])
    wanted = math.ceil(max(kept, 1) / divisor) * divisor
    for tie in ties[gone[ties]]:
        if np.count_nonzero(~gone[ties]) >= wanted:
            return
        gone[tie] = False


def _biases(graph, reads, gone):
    """Returns what each layer's bias takes in of the channels that go."""
    found = {}
    for slot in _reading(graph):
        value = np.where(gone[slot.ties], reads[id(slot.variable)][0].value, 0)
        if value.any():
            kernel = backend.to_numpy(slot.variable)
            taps = kernel.reshape(-1, *kernel.shape[-2:]).sum(0)
            found[id(slot.layer)] = value @ taps
    return found


def sizer(model: keras.Model, graph: channel_graph.ChannelGraph):
    """Returns a function of what goes to the rows of a model's layers.

    Args:
        model: Sequential or Functional model.
        graph: `ChannelGraph` of the model.

    Returns:
        Callable: bool array `(graph.count,)`, True for a tie that goes, and
        dict, id of a layer to what its bias takes in, to a list of `Row`.
    """
    layers = _layers(model)
    made = {id(x.layer): x for x in graph.slots if x.role == "filter"}

    def rows(gone, biases=()):
        kept, found = _kept(graph, gone), []
        for layer, own, uses in layers:
            filters = made.get(id(layer))
            before = _size(own, filters, uses, {})
            after = _size(own, filters, uses, kept)
            if id(layer) in biases and layer.bias is None:
                after = _with_bias(after)
            found.append(Row(layer.name, before, after))
        return found

    return rows


def _layers(model):
    """Returns layers with variables, these, and how often they are used."""
    calls = model_graph.calls(model)
    found, seen = [], set()
    for layer in traversal.leaves(model):
        own = [x for x in layer.weights if id(x) not in seen]
        seen |= {id(variable) for variable in own}
        shapes = calls.get(id(layer)) or [None]
        if own:
            uses = sum(positions.positions(layer, x) for x in shapes)
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
    """Returns the shape that a variable has when filters are gone."""
    return [
        kept[id(variable), axis].size if (id(variable), axis) in kept else size
        for axis, size in enumerate(variable.shape)
    ]
