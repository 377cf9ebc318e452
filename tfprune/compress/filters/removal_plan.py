"""removal_plan: which filters can be removed, and what that saves."""

from __future__ import annotations

import dataclasses
import math

import keras
import numpy as np

from tfprune import backend
from tfprune.compress import recalibrate
from tfprune.compress import strip
from tfprune.compress.filters import channel_graph
from tfprune.compress.filters import constant_propagation
from tfprune.compress.filters import depth
from tfprune.compress.filters import sizes
from tfprune.compress.filters.operations import registry
from tfprune.graph import model_graph
from tfprune.graph import opening
from tfprune.utils import tables
from tfprune.utils import validation


def plan_removal(model: keras.Model, divisor: int = 1) -> RemovalPlan:
    """Finds the filters that a model can do without, and changes nothing.

    A channel (`channel_graph`) is removed where every layer that reads it
    reads a constant and can do without it: zero, or, in a layer without
    padding, any value, which becomes part of its bias. At least one filter of
    each layer stays, and of each part that its output is cut into. A block
    that adds nothing but zeros to its shortcut goes as a whole. Layers made of
    Keras' own ones become Functional models where something inside of them is
    removed, and so does a `LayerNormalization` of fewer channels, with zeros
    in their place.

    Args:
        model: Sequential or Functional model without `Prunable` layers.
        divisor: Integer: filters stay so that each layer has a multiple of
            it, where it has enough. Defaults to 1.

    Returns:
        A `RemovalPlan`. Print it for a table of layers and what stays, and why.

    Raises:
        ValueError: for a subclassed model, one that is not stripped, weights
            that are not finite, or a `divisor` below 1.

    Example:

    ```python
    plan = plan_removal(tfprune.strip(model))
    print(plan)
    ```
    """
    strip.check_stripped(model, "remove filters of")
    validation.check_finite("model", model.variables)
    plan = _plan(model, divisor)
    opened = opening.open_composites(model, registry.is_known)
    if not opened.names:
        return plan
    inside = _plan(opened.model, divisor)
    if inside.total.after.parameters >= plan.total.after.parameters:
        return plan
    note = f"they become Functional models: {', '.join(opened.names)}"
    return dataclasses.replace(inside, notes=[*inside.notes, note])


def _plan(model, divisor):
    """The plan of a model, and of what blocks add nothing to it."""
    graph = model_graph.ModelGraph(model)
    shallow = depth.without_idle(graph)
    plan = build(shallow, divisor)
    gone = sizes.gone(graph, shallow)
    if not gone:
        return plan
    names = ", ".join(row.name for row in gone)
    note = f"what these layers give is added to something, as zeros: {names}"
    return dataclasses.replace(
        plan, rows=[*plan.rows, *gone], notes=[*plan.notes, note]
    )


def build(graph: model_graph.ModelGraph, divisor: int) -> RemovalPlan:
    """The plan of a stripped model, from its graph: see `plan_removal`."""
    validation.check_count("divisor", divisor, least=1)
    channels = channel_graph.build(graph)
    reads = constant_propagation.reads(graph)
    removed, notes = removable(channels, reads)
    removed, more = _leave_some(channels, removed, divisor)
    untrained = recalibrate.untrained(graph.model)
    more += [untrained] if untrained else []
    kept = sizes.kept_entries(channels, removed)
    biases = _biases(channels, reads, removed)
    rows = sizes.rows(channels, kept, biases)
    return RemovalPlan(channels, removed, kept, biases, rows, notes + more)


@dataclasses.dataclass(frozen=True, eq=False)
class RemovalPlan:
    """What can be removed from a model, and what that saves.

    Args:
        graph: `ChannelGraph`.
        removed: Bool array, `(graph.count,)`, True for a channel that is
            removed.
        kept: Dict, id of a variable and axis to the entries that stay.
        biases: Dict, id of a layer to what is added to its bias.
        rows: List of `sizes.LayerSize`, the layers with variables.
        notes: List of strings: what is constant and stays, and why.
    """

    graph: channel_graph.ChannelGraph
    removed: np.ndarray
    kept: dict[tuple, np.ndarray]
    biases: dict[int, np.ndarray]
    rows: list[sizes.LayerSize]
    notes: list[str]

    @property
    def total(self) -> sizes.LayerSize:
        """The sum of all rows."""
        return sizes.total(self.rows)

    def __str__(self) -> str:
        table = tables.aligned(sizes.cells([*self.rows, self.total]))
        return "\n".join([*table, str(self.graph), *self.notes])


def removable(graph: channel_graph.ChannelGraph, reads: dict) -> tuple:
    """Finds the channels that nothing needs, and notes on others.

    Args:
        graph: `ChannelGraph`.
        reads: Dict, as `constant_propagation.reads` gives it.

    Returns:
        Bool array, `(graph.count,)`, and list of strings.
    """
    live = ~graph.free
    unabsorbed, notes = [], []
    for axis in _reading(graph, reads):
        calls = reads[id(axis.variable), axis.axis]
        known = np.all([read.known for read in calls], axis=0)
        absorbed = np.all([read.absorbed for read in calls], axis=0)
        same = np.all([x.value == calls[0].value for x in calls], axis=0)
        live[axis.channels[~known]] = True
        unabsorbed.append((axis, axis.channels[known & ~(absorbed & same)]))
    removed = ~live
    if (graph.free & live).any():
        notes.append(
            f"{(graph.free & live).sum()} of these stay: a layer reads values "
            "of them that are not constant. Zero their filters first"
        )
    for axis, channels in unabsorbed:
        count = np.unique(channels[~live[channels]]).size
        if count:
            notes.append(
                f"{axis.where}: {count} of the channels that it reads are "
                "constant and stay: its bias can't stand in for them"
            )
        removed[channels] = False
    return removed, notes


def _reading(graph, reads):
    return [x for x in graph.axes if (id(x.variable), x.axis) in reads]


def _leave_some(graph, removed, divisor):
    """What is removed if each layer must have some left, and notes."""
    made = [axis for axis in graph.axes if axis.role == "filter"]
    notes = [
        f"{axis.where}: all of its filters could go; some stay for its form"
        for axis in made
        if removed[axis.channels].all()
    ]
    left, count = removed.copy(), None
    while left.sum() != count:
        count = left.sum()
        for channels in [*(axis.channels for axis in made), *graph.parts]:
            _take_back(channels, left, divisor)
    if divisor > 1 and (left != removed).any():
        notes.append(
            f"{(left != removed).sum()} channels could go and stay: layers "
            f"have a multiple of {divisor} filters, or one at least"
        )
    return left, notes


def _take_back(channels, removed, divisor):
    """Lets channels stay for a multiple of a divisor, and for one at least."""
    kept = np.count_nonzero(~removed[channels])
    wanted = math.ceil(max(kept, 1) / divisor) * divisor
    for channel in channels[removed[channels]]:
        if np.count_nonzero(~removed[channels]) >= wanted:
            return
        removed[channel] = False


def _biases(graph, reads, removed):
    """What each layer's bias takes in of the channels that are removed."""
    found = {}
    for axis in _reading(graph, reads):
        value = np.where(
            removed[axis.channels],
            reads[id(axis.variable), axis.axis][0].value,
            0,
        )
        if value.any():
            kernel = backend.to_numpy(axis.variable)
            taps = kernel.reshape(-1, *kernel.shape[-2:]).sum(0)
            found[id(axis.layer)] = value @ taps
    return found
