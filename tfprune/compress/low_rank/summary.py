"""The table of `factorize`: rank, energy, work and time of each layer."""

from __future__ import annotations

import dataclasses

from tfprune.compress.low_rank import acceptance
from tfprune.compress.low_rank import candidates
from tfprune.graph import cost as cost_lib
from tfprune.graph import model_graph
from tfprune.utils import tables


@dataclasses.dataclass(frozen=True, kw_only=True)
class LayerRanks:
    """A layer before and after.

    Args:
        layer: Its name.
        full_rank: Integer, or None for a layer that can't be factorised.
        rank: Integer that was chosen, of each group; or None.
        energy: Float, what that rank keeps, or None.
        macs: Integer, multiply-accumulates of the dense layer.
        macs_after: Integer, of what stands in its place.
        parameters: Integer, entries of the dense layer's weights.
        parameters_after: Integer, of what stands in its place.
        is_split: Bool.
        why: String, why it is not.
        dense_ms: Float, milliseconds, or None: not measured.
        split_ms: Float, milliseconds, or None: not measured.
    """

    layer: str
    full_rank: int | None
    macs: int
    macs_after: int
    parameters: int
    parameters_after: int
    rank: int | None = None
    energy: float | None = None
    is_split: bool = False
    why: str = ""
    dense_ms: float | None = None
    split_ms: float | None = None


@dataclasses.dataclass(frozen=True)
class Table:
    """All layers with weights. Print it for a table.

    Args:
        rows: List of `LayerRanks`.
    """

    rows: list[LayerRanks]

    @property
    def ranks(self) -> dict[str, int]:
        """Layer name to rank, for those that are split."""
        return {
            row.layer: row.rank
            for row in self.rows
            if row.is_split and row.rank is not None
        }

    @property
    def mac_reduction(self) -> float:
        """All multiply-accumulates by those that are left."""
        return self._sum("macs") / max(self._sum("macs_after"), 1)

    @property
    def parameter_reduction(self) -> float:
        """All parameters by those that are left."""
        return self._sum("parameters") / max(self._sum("parameters_after"), 1)

    def __str__(self) -> str:
        lines = tables.aligned([_HEADER, *map(_cells, self.rows)])
        total = (
            f"MACs {self._sum('macs'):,} -> {self._sum('macs_after'):,} "
            f"({self.mac_reduction:.2f}x), parameters "
            f"{self._sum('parameters'):,} -> {self._sum('parameters_after'):,} "
            f"({self.parameter_reduction:.2f}x)"
        )
        return "\n".join([*lines, total])

    def _sum(self, column):
        return sum(getattr(row, column) for row in self.rows)


def row(
    candidate: candidates.Candidate,
    rank: int,
    layers: list,
    saving: acceptance.Saving,
) -> LayerRanks:
    """The row of a layer that was to be factorised."""

    def counts(cost):
        before = candidate.count(cost)
        return before, candidate.count_split(cost, layers) if pays else before

    pays = saving.pays
    macs, parameters = counts(cost_lib.macs), counts(cost_lib.parameters)
    return LayerRanks(
        layer=candidate.name,
        full_rank=candidate.full_rank,
        rank=rank,
        energy=candidate.energy(rank),
        macs=macs[0],
        macs_after=macs[1],
        parameters=parameters[0],
        parameters_after=parameters[1],
        is_split=pays,
        why="" if pays else saving.why,
        dense_ms=saving.dense_ms,
        split_ms=saving.split_ms,
    )


def build(
    graph: model_graph.ModelGraph,
    found: list[candidates.Candidate],
    decided: dict[int, LayerRanks],
    reasons: dict[int, str],
) -> Table:
    """The table of a model, in the order of its layers.

    Args:
        graph: `ModelGraph`.
        found: List of `Candidate`.
        decided: Dict, id of a layer to its row.
        reasons: Dict, id of a layer to why it is no candidate.
    """
    full = {id(x.layer): x.full_rank for x in found}
    return Table(
        [
            decided.get(id(layer)) or _left(layer, graph, full, reasons)
            for layer in graph.leaves
            if layer.weights
        ]
    )


def _left(layer, graph, full, reasons):
    macs = cost_lib.macs(layer, graph.calls.get(id(layer)))
    parameters = cost_lib.parameters(layer)
    why = reasons.get(id(layer), "was not chosen, or would cost more")
    return LayerRanks(
        layer=graph.names[id(layer)],
        full_rank=full.get(id(layer)),
        macs=macs,
        macs_after=macs,
        parameters=parameters,
        parameters_after=parameters,
        why=why,
    )


_HEADER = (
    *("layer", "rank", "of", "energy", "MACs", "after", "parameters"),
    *("after", "dense ms", "split ms", ""),
)


def _cells(row):
    def form(value, spec):
        return "" if value is None else format(value, spec)

    return (
        row.layer,
        form(row.rank, ""),
        form(row.full_rank, ""),
        form(row.energy, ".1%"),
        f"{row.macs:,}",
        f"{row.macs_after:,}",
        f"{row.parameters:,}",
        f"{row.parameters_after:,}",
        form(row.dense_ms, ".3f"),
        form(row.split_ms, ".3f"),
        row.why,
    )
