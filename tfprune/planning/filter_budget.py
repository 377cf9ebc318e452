"""Filter budget: how many filters of each layer stay, for a smaller model."""

from __future__ import annotations

import keras
import numpy as np

from tfprune.compress import strip
from tfprune.compress.filters import channel_graph
from tfprune.compress.filters import constant_propagation
from tfprune.compress.filters import removal_plan
from tfprune.compress.filters import zero
from tfprune.planning import cost_models
from tfprune.planning import plan as plan_lib


def plan_filters(
    model: keras.Model,
    budget: str,
    graph: channel_graph.ChannelGraph | None = None,
    free: np.ndarray | None = None,
) -> plan_lib.SparsityPlan:
    """Finds how many filters may stay for a smaller model to cost no more.

    All dependency groups (`tfprune.compress.channel_graph`) lose the same
    share. The costs are those of the model that `remove_filters` makes.

    Args:
        model: Sequential or Functional model without `Prunable` layers.
        budget: String: `"macs<=50%"`, `"parameters<=1M"`, `"bytes<=100KB"`.
        graph: `ChannelGraph` of the model, if it is known. Defaults to None.
        free: Bool array, `(graph.count,)`, the channels that may be removed.
            Defaults to None: `graph.free`.

    Returns:
        A `SparsityPlan`. Print it; give its `sparsities` to `zero_filters`, or
        its `settings` to a method.

    Raises:
        ValueError: for another form of budget, one that can't be met (it says
            what can), a subclassed model or one that is not stripped.

    Example:

    ```python
    plan = tfprune.planning.plan_filters(model, "macs<=50%")
    model = tfprune.prune(
        model,
        tfprune.methods.Magnitude(
            structure=tfprune.structures.CoupledFilter(),
            settings=plan.settings,
        ),
    )
    ```
    """
    strip.check_stripped(model, "remove filters of")
    wanted, cost_model = cost_models.parse(budget, measured=False)
    graph = graph or channel_graph.channel_graph(model)
    free = graph.free if free is None else free
    return _Filters(cost_model, graph, free).solve(wanted)


class _Filters(plan_lib.Choices[plan_lib.SparsityPlan]):
    """What stays of all groups if each loses the same share."""

    kind = "filters"
    result = plan_lib.SparsityPlan
    means = "removing filters"
    halvings = 16

    def __init__(self, cost_model, graph, free):
        self._cost = cost_model.of_filters(graph)
        self._graph, self._groups = graph, graph.groups(free)
        self._removable = _removable(graph, free, self._groups)
        super().__init__(self.cost(0.0), cost_model.unit)

    def cost(self, amount):
        removed = np.zeros(self._graph.count, bool)
        for group in self._groups:
            count = group.channels.size - self._kept(amount, group)
            can_go = group.channels[self._removable[group.channels]]
            removed[can_go[:count]] = True
        return self._cost(removed)

    def rows(self, amount):
        return [self._row(amount, group) for group in self._groups]

    def advice(self):
        return (
            f":\n{self.plan(self.most, None)}\nAsk for that, or let more "
            f"layers be pruned: {self._graph}"
        )

    def _row(self, amount, group):
        size, kept = group.channels.size, self._kept(amount, group)
        least = self._kept(self.most, group)
        return plan_lib.LayerPlan(
            group.layers, size, least, kept, 1 - kept / size
        )

    def _kept(self, amount, group):
        """As a share of a layer is rounded, one at least."""
        held = np.count_nonzero(~self._removable[group.channels])
        share = np.round(group.channels.size * (1 - amount))
        return int(max(share, held, 1))


def _removable(graph, free, groups):
    """Which channels can be removed where all that makes them is zero.

    One of each group stays, as it will: else nothing would read the others.
    """
    found = np.zeros(graph.count, bool)
    for place in (0, -1):
        removed = free.copy()
        removed[[group.channels[place] for group in groups]] = False
        # Here variables have these values; the model itself keeps its own.
        with keras.StatelessScope(zero.zeroed(graph, removed)):
            reads = constant_propagation.reads(graph.model_graph)
            found |= removal_plan.removable(graph, reads)[0]
    return found
