"""Filter budget: how many filters of each layer may stay, for a smaller net.

Known before any training: what each group of coupled filters would keep, the
least that it can keep, and what the net will cost once the others are removed.
"""

from __future__ import annotations

import dataclasses

import keras
import numpy as np

from tfprune.compress import strip
from tfprune.compress.filters import channel_graph
from tfprune.compress.filters import constant_reads
from tfprune.compress.filters import removal_plan
from tfprune.compress.filters import zero
from tfprune.graph import cloning
from tfprune.planning import budget as budgets
from tfprune.utils import quantities

_UNITS = {"parameters": "parameters", "macs": "MACs", "bytes": "bytes"}


def plan_filters(model: keras.Model, budget: str) -> Table:
    """Returns how many filters may stay for a smaller net to cost no more.

    All dependency groups (`tfprune.channel_graph`) lose the same share. The
    costs are those of the net that `remove_filters` makes, as its plan counts
    them.

    Args:
        model: Sequential or Functional model without `Prunable` layers.
        budget: String: `"macs<=50%"`, `"parameters<=1M"`, `"bytes<=100KB"`.

    Returns:
        A `Table`. Print it; give its `sparsities` to `zero_filters`, or its
        `settings` to a method.

    Raises:
        ValueError: for another form of budget, one that can't be met (it says
            what can), a subclassed model or one that is not stripped.

    Example:

    ```python
    table = tfprune.planning.plan_filters(model, "macs<=50%")
    model = tfprune.prune(
        model,
        tfprune.methods.Magnitude(
            structure=CoupledFilter(), settings=table.settings
        ),
    )
    ```
    """
    strip.check_stripped(model, "slim")
    graph = channel_graph.channel_graph(model)
    return meet(model, budget, graph, graph.free)


@dataclasses.dataclass(frozen=True)
class Row:
    """A dependency group: filters that the same layers make.

    Args:
        layers: Tuple of strings, the names of these layers.
        filters: Integer, all there are.
        least: Integer, what must stay of them.
        kept: Integer, what stays.
    """

    layers: tuple[str, ...]
    filters: int
    least: int
    kept: int

    @property
    def sparsity(self) -> float:
        """The share that goes."""
        return 1 - self.kept / self.filters


@dataclasses.dataclass(frozen=True)
class Table:
    """How a budget is met, and what could be.

    Args:
        rows: List of `Row`.
        cost: Integer, of the smaller net.
        limit: Float, what it may cost.
        least: Integer, its cost if no more than the least stays of all.
        dense: Integer, the cost of the net as it is.
        unit: String, of these.
    """

    rows: list[Row]
    cost: int
    limit: float
    least: int
    dense: int
    unit: str

    @property
    def sparsities(self) -> dict[str, float]:
        """Layer to the share of its filters that goes."""
        return {name: row.sparsity for row in self.rows for name in row.layers}

    @property
    def settings(self) -> dict[str, dict]:
        """Layer to `{"target_sparsity": s}`."""
        return {
            name: {budgets.SETTING: sparsity}
            for name, sparsity in self.sparsities.items()
        }

    def __str__(self) -> str:
        cells = [("layers", "filters", "least", "kept", "sparsity")]
        for row in self.rows:
            counts = map(str, (row.filters, row.least, row.kept))
            cells.append(
                (" + ".join(row.layers), *counts, f"{row.sparsity:.1%}")
            )
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)) for row in cells]
        total = (
            f"{self.cost:,} of {self.dense:,} {self.unit}, {self.limit:,.0f} "
            f"allowed, {self.least:,} the least possible"
        )
        return "\n".join([*map(str.rstrip, lines), total])


def meet(
    model: keras.Model,
    budget: str,
    graph: channel_graph.ChannelGraph,
    free: np.ndarray,
) -> Table:
    """Returns how a budget is met by removing some of the channels of a model.

    Args:
        model: Sequential or Functional model.
        budget: String, as `limits.parse` reads it.
        graph: `ChannelGraph` of the model.
        free: Bool array, `(graph.count,)`, the channels that may go.

    Raises:
        ValueError: if it can't be met; it says what can.
    """
    wanted = quantities.parse(budget, _UNITS)
    choice = _Choice(model, graph, free, wanted.objective)
    dense, least = choice.cost(0.0), choice.cost(1.0)
    limit = wanted.cost(dense)
    unit = _UNITS[wanted.objective]
    if least > limit:
        raise ValueError(
            f"`budget` must be met by removing filters. Received: {budget!r}, "
            f"which is {limit:,.0f} {unit} of {dense:,}. The least possible "
            f"is {least:,}, which is {least / dense:.1%}:\n"
            f"{Table(choice.rows(1.0), least, limit, least, dense, unit)}\n"
            f"Ask for that, or let more layers be pruned: {graph}"
        )
    sparsity = _least(choice.cost, limit)
    cost = choice.cost(sparsity)
    return Table(choice.rows(sparsity), cost, limit, least, dense, unit)


class _Choice:
    """What stays of all groups if each loses the same share."""

    def __init__(self, model, graph, free, objective):
        can_go = _can_go(model, graph, free)
        self._count = graph.count
        self._groups = [
            (group.layers, group.channels, can_go)
            for group in graph.groups(free)
        ]
        self._size = removal_plan.sizer(model, graph)
        self._objective = objective

    def rows(self, sparsity):
        return [
            Row(
                layers,
                channels.size,
                _kept(1.0, channels, go),
                _kept(sparsity, channels, go),
            )
            for layers, channels, go in self._groups
        ]

    def cost(self, sparsity):
        removed = np.zeros(self._count, bool)
        for _, channels, can_go in self._groups:
            count = channels.size - _kept(sparsity, channels, can_go)
            removed[channels[can_go[channels]][:count]] = True
        _, _, after = removal_plan.total(self._size(removed))
        return getattr(after, self._objective)


def _kept(sparsity, channels, can_go):
    """As a share of a layer is rounded, one at least."""
    held = np.count_nonzero(~can_go[channels])
    return int(max(np.round(channels.size * (1 - sparsity)), held, 1))


def _can_go(model, graph, free):
    """Returns which channels can be removed where all that makes them is zero.

    One of each group stays, as it will: else nothing would read the others.
    """
    found = np.zeros(graph.count, bool)
    for place in (0, -1):
        removed = free.copy()
        removed[[x.channels[place] for x in graph.groups(free)]] = False
        found |= _removable(model, removed)
    return found


def _removable(model, removed):
    zeroed = cloning.clone(model, lambda layer, copied: copied)
    graph = channel_graph.channel_graph(zeroed)
    zero.zero(graph, removed)
    return removal_plan.removable(graph, constant_reads.reads(zeroed))[0]


def _least(cost, limit):
    """The least share whose cost is within the limit, by bisection."""
    if cost(0.0) <= limit:
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(16):
        middle = (low + high) / 2
        low, high = (low, middle) if cost(middle) <= limit else (middle, high)
    return high
