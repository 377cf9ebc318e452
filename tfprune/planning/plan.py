"""Plans: how a budget is met, known before any training."""

from __future__ import annotations

import abc
import dataclasses
import typing

from tfprune.planning import solver
from tfprune.utils import quantities
from tfprune.utils import tables

_text = quantities.text

SETTING = "target_sparsity"


class LayerPlan(typing.NamedTuple):
    """What is kept of a layer, or of layers that are pruned together.

    Args:
        layers: Tuple of strings, the names of these layers.
        size: Integer, how many weights, filters or ranks there are.
        least: Integer, how many of them must stay.
        kept: Integer, how many stay; None for a layer that is not factorised.
        sparsity: Float, the share that goes.
    """

    layers: tuple[str, ...]
    size: int
    least: int
    kept: int | None
    sparsity: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class BudgetPlan:
    """How a budget is met. Print it for a table.

    Args:
        kind: String, what is counted in `rows`: `"weights"`, `"filters"` or
            `"rank"`.
        rows: List of `LayerPlan`.
        cost: Number, of the pruned model.
        limit: Float, what it may cost, or None: as little as possible.
        least: Number, its cost if no more stays than must.
        dense: Number, the cost of the model as it is.
        unit: String, of these costs.
        accuracies: Pair of floats, before any training: of the model as it is
            and of the pruned one. None if there were no data.
    """

    kind: str
    rows: list[LayerPlan]
    cost: float
    limit: float | None
    least: float
    dense: float
    unit: str
    accuracies: tuple[float, float] | None = None

    @property
    def accuracy_drop(self) -> float:
        """What pruning costs of the accuracy before training; 0 if unknown."""
        before, after = self.accuracies or (0.0, 0.0)
        return before - after

    def __str__(self) -> str:
        head = ("layers", self.kind, "least", "kept", "sparsity")
        cells = tables.aligned([head, *map(_cells, self.rows)])
        return "\n".join([*cells, self._total(), *self._drop()])

    def _total(self):
        limit = "" if self.limit is None else f", {_text(self.limit)} allowed"
        return (
            f"{_text(self.cost)} of {_text(self.dense)} {self.unit}{limit}, "
            f"{_text(self.least)} the least possible"
        )

    def _drop(self):
        if self.accuracies is None:
            return []
        dense, pruned = self.accuracies
        return [
            f"accuracy before training: {dense:.2%} dense, {pruned:.2%} pruned"
        ]


def _cells(row):
    counts = (row.size, row.least, row.kept)
    cells = ["" if count is None else f"{count:,}" for count in counts]
    return " + ".join(row.layers), *cells, f"{row.sparsity:.1%}"


class SparsityPlan(BudgetPlan):
    """How a budget is met by weights or filters that go."""

    @property
    def sparsities(self) -> dict[str, float]:
        """Layer to the share that goes."""
        return {name: row.sparsity for row in self.rows for name in row.layers}

    @property
    def settings(self) -> dict[str, dict]:
        """Layer to `{"target_sparsity": s}`, the `settings` of a method."""
        return {name: {SETTING: s} for name, s in self.sparsities.items()}


class RankPlan(BudgetPlan):
    """How a budget is met by layers that are factorised."""

    @property
    def ranks(self) -> dict[str, int]:
        """Layer to rank, as `tfprune.factorize` takes it.

        Layers that would not become cheaper are not there.
        """
        return {
            name: row.kept
            for row in self.rows
            for name in row.layers
            if row.kept is not None
        }


PlanT = typing.TypeVar("PlanT", bound=BudgetPlan)


class Choices(abc.ABC, typing.Generic[PlanT]):
    """What may be pruned of a model, by one number: the amount.

    Args:
        dense: Number, the cost of the model as it is.
        unit: String, of the costs.

    Attributes:
        kind: String, as `BudgetPlan` has it.
        result: Class of the plans.
        means: String, what is pruned, for errors.
        most: Float, the greatest amount.
        halvings: Integer, as `solver.solve` takes it.
    """

    kind: str
    result: type[PlanT]
    means: str
    most = 1.0
    halvings = 30

    def __init__(self, dense: float, unit: str):
        self.dense, self.unit = dense, unit

    @abc.abstractmethod
    def rows(self, amount: float) -> list[LayerPlan]:
        """What is kept at some amount."""

    @abc.abstractmethod
    def cost(self, amount: float) -> float:
        """What the model costs at some amount."""

    @abc.abstractmethod
    def advice(self) -> str:
        """What else to do where a budget can't be met."""

    def amount(self, budget: quantities.Budget) -> float:
        """The least amount that meets a budget.

        Raises:
            ValueError: if none does; it says what can be reached.
        """
        limit = budget.cost(self.dense)
        amount = solver.solve(self.cost, limit, self.most, self.halvings)
        if amount is None:
            least = self.cost(self.most)
            raise ValueError(
                f"`budget` must be met by {self.means}. Received: "
                f"budget={budget.text!r}, which is {_text(limit)} "
                f"{self.unit} of {_text(self.dense)}. The least "
                f"possible is {_text(least)}, which is "
                f"{least / self.dense:.1%}{self.advice()}"
            )
        return amount

    def plan(self, amount: float, limit: float | None) -> PlanT:
        """The plan of an amount."""
        return self.result(
            kind=self.kind,
            rows=self.rows(amount),
            cost=self.cost(amount),
            limit=limit,
            least=self.cost(self.most),
            dense=self.dense,
            unit=self.unit,
        )

    def solve(self, budget: quantities.Budget) -> PlanT:
        """The plan that meets a budget by the least amount."""
        return self.plan(self.amount(budget), budget.cost(self.dense))
