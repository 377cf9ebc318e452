"""Cost models: what a model costs by how much of it is kept.

A budget limits one of them (`COSTS`). Most are sums over arrays of weights:
such a class says what arrays cost, and with it the cost of sparse weights, of
fewer filters and of lower ranks. Latency is measured instead.
"""

from __future__ import annotations

import collections.abc
import math
import typing
import warnings

import keras
import numpy as np

from tfprune.compress.filters import channel_graph
from tfprune.compress.filters import sizes
from tfprune.graph import cost as cost_lib
from tfprune.graph import model_graph
from tfprune.planning import latency
from tfprune.utils import quantities
from tfprune.utils import validation


class Arrays(typing.NamedTuple):
    """Arrays of weights; each field is an integer array `(arrays,)`.

    Args:
        entries: How many entries each has.
        itemsizes: Bytes of an entry.
        uses: How often a forward pass of one example multiplies by an entry;
            0 for what is only added.
    """

    entries: np.ndarray
    itemsizes: np.ndarray
    uses: np.ndarray


class CostModel:
    """What a model costs. A new one is a subclass and an entry of `COSTS`.

    Attributes:
        unit: String, of costs, for tables.
        units: Dict, the units of a limit as a user writes it, in lower case,
            to how many of `unit` each is. Defaults to thousands and so on.
        is_counted: Bool: it is a sum over arrays, as `cost` has it. Defaults
            to True.
    """

    unit: str
    units: dict[str, float] = quantities.COUNTS
    is_counted = True

    def cost(self, arrays: Arrays, kept: np.ndarray) -> np.ndarray:
        """What arrays cost, of whose entries some are kept.

        Args:
            arrays: `Arrays`.
            kept: Integer array, `(arrays,)` or `(n, arrays)`: the entries of
                each that are not zero.

        Returns:
            Number array of the shape of `kept`.
        """
        raise NotImplementedError

    def uses(self, graph: model_graph.ModelGraph) -> dict[int, int]:
        """Id of each kernel to how often a forward pass uses an entry."""
        return cost_lib.uses(graph)

    def of_weights(self, model: keras.Model, targets: list):
        """The cost of a model by the weights kept of each masked array.

        Args:
            model: Keras model.
            targets: List of `Target`, the arrays with masks.

        Returns:
            An object that is called with integers `(n, arrays)`, the entries
            kept of each array, and returns costs `(n,)`. Its `dense` is the
            cost with nothing pruned, its `unit` is that of this class.
        """
        uses = self.uses(model_graph.ModelGraph(model))
        masked = [target.variable for target in targets]
        known = set(map(id, masked))
        others = [x for x in model.trainable_variables if id(x) not in known]
        rest = self._dense(_arrays(others, uses))
        return WeightCost(self, _arrays(masked, uses), rest)

    def of_filters(
        self, graph: channel_graph.ChannelGraph
    ) -> collections.abc.Callable[[np.ndarray], float]:
        """The cost of a model by the channels that are removed.

        Args:
            graph: `ChannelGraph` of the model.

        Returns:
            Callable, bool array `(graph.count,)`, True for a channel that is
            removed, to the cost of the smaller model.
        """
        variables = _variables(graph.model_graph)
        arrays = _arrays(variables, self.uses(graph.model_graph))

        def cost(removed):
            kept = sizes.kept_entries(graph, removed)
            shapes = [sizes.shape_after(x, kept) for x in variables]
            entries = np.array([math.prod(shape) for shape in shapes], "int64")
            return self._dense(arrays._replace(entries=entries))

        return cost

    def of_ranks(self, graph: model_graph.ModelGraph, found: list) -> RankCost:
        """The cost of a model by the ranks of some layers.

        Args:
            graph: `ModelGraph`.
            found: List of `Candidate`, layers of the model.
        """
        uses = self.uses(graph)
        dense = self._dense(_arrays(_variables(graph), uses))
        return RankCost(found, dense, self._saved)

    def _dense(self, arrays):
        return np.sum(self.cost(arrays, arrays.entries)).item()

    def _of_layer(self, layer, calls):
        return self._dense(
            _arrays(layer.weights, cost_lib.uses_in(layer, calls))
        )

    def _saved(self, candidate):
        """What a rank saves: each unit of it costs the same."""
        one, two = (
            candidate.count_split(self._of_layer, candidate.split(rank))
            for rank in (1, 2)
        )
        before = candidate.count(self._of_layer)
        return lambda rank: before - one - (two - one) * (rank - 1)


class WeightCost:
    """What a model costs, by the weights kept of its masked arrays.

    Args:
        model: `CostModel` that is counted.
        masked: `Arrays` with masks.
        rest: Number, the cost of what has no mask.
    """

    def __init__(self, model: CostModel, masked: Arrays, rest: float):
        self.unit = model.unit
        self._model, self._masked, self._rest = model, masked, rest
        self.dense = float(self(masked.entries[None])[0])

    def __call__(self, kept) -> np.ndarray:
        kept = np.asarray(kept, "int64")
        return self._model.cost(self._masked, kept).sum(axis=1) + self._rest


class RankCost:
    """What a model costs, by the ranks of some layers.

    Args:
        found: List of `Candidate`.
        dense: Number, what the model costs as it is.
        saved: Callable, a candidate to a callable: a rank to what it saves.
    """

    def __init__(self, found: list, dense: float, saved):
        self.dense = dense
        self._saved = {id(x.layer): saved(x) for x in found}

    def cost(self, ranks: dict[int, int]) -> float:
        """What the model costs with ranks, given by the id of a layer."""
        return self.dense - sum(self._saved[x](r) for x, r in ranks.items())

    def saving(self, ranks: dict[int, int]) -> dict[int, int]:
        """Those of some ranks that save anything."""
        return {x: r for x, r in ranks.items() if self._saved[x](r) > 0}


class Parameters(CostModel):
    """Weights that are not zero."""

    unit = "parameters"

    def cost(self, arrays, kept):
        return kept


class MACs(CostModel):
    """Multiply-accumulates with weights that are not zero, for one example."""

    unit = "MACs"

    def uses(self, graph):
        if graph.assumption:
            warnings.warn(graph.assumption, stacklevel=4)
        return super().uses(graph)

    def cost(self, arrays, kept):
        return kept * arrays.uses


class Bytes(CostModel):
    """Bytes of weights as tfprune stores them, before they are zipped.

    Of each array its values and 32-bit indices, or all of its values where
    that is less.
    """

    unit = "bytes"
    units = quantities.BYTES

    def cost(self, arrays, kept):
        whole = arrays.entries * arrays.itemsizes
        return np.minimum(kept * (arrays.itemsizes + 4), whole)


class Latency(CostModel):
    """Milliseconds of a call with one example, measured on this machine."""

    unit = "ms"
    units = quantities.MILLISECONDS
    is_counted = False

    def of_weights(self, model, targets):
        return latency.of_weights(model, targets)

    def of_ranks(self, graph, found):
        dense = latency.of_model(graph.model)
        return RankCost(found, dense, latency.saved_by_rank)


COSTS = {
    "parameters": Parameters(),
    "macs": MACs(),
    "bytes": Bytes(),
    "latency": Latency(),
}


def parse(budget: str, measured: bool = True):
    """Reads a budget; returns it and the `CostModel` that it limits.

    Args:
        budget: String, as `quantities.parse` takes it.
        measured: Bool, whether it may limit what is measured. Defaults to
            True.

    Raises:
        ValueError: for another form, or a cost that is not known.
    """
    units = {
        name: model.units
        for name, model in COSTS.items()
        if measured or model.is_counted
    }
    wanted = quantities.parse(budget, units)
    return wanted, COSTS[wanted.objective]


def of_weights(objective, model: keras.Model, targets: list):
    """The cost of a model by the weights kept, of a name or as it is given.

    Args:
        objective: A name of `COSTS` (latency is measured here and now), or a
            callable as `CostModel.of_weights` returns it.
        model: Keras model.
        targets: List of `Target`, the arrays with masks.

    Raises:
        ValueError: for an unknown name.
    """
    if callable(objective):
        return objective
    if objective not in COSTS:
        raise ValueError(validation.unknown("objective", objective, COSTS))
    return COSTS[objective].of_weights(model, targets)


def _variables(graph):
    """The variables of all layers, once each."""
    found = [x for layer in graph.leaves for x in layer.weights]
    return list({id(variable): variable for variable in found}.values())


def _arrays(variables, uses):
    rows = [
        (math.prod(x.shape), np.dtype(x.dtype).itemsize, uses.get(id(x), 0))
        for x in variables
    ]
    return Arrays(*np.array(rows, "int64").reshape(-1, 3).T)
