"""Rank budget: the rank of each layer for a model to cost no more."""

from __future__ import annotations

import collections.abc
import dataclasses

import keras

from tfprune.compress.low_rank import ranks as ranks_lib
from tfprune.planning import cost_models
from tfprune.planning import plan as plan_lib
from tfprune.planning import rank_sensitivity
from tfprune.planning import solver
from tfprune.utils import quantities
from tfprune.utils import validation

_ENERGY = 0.95
# The share of the energy of a kernel that is noise.
_NOISE = 2.0**-30


def chooser(
    energy: float | dict | None, ranks: dict | None, budget: str | None
) -> collections.abc.Callable[..., dict[int, int]]:
    """How the ranks of layers are chosen, by what `tfprune.factorize` takes.

    Args:
        energy: As `tfprune.factorize` takes it; so are the others.
        ranks: As `tfprune.factorize` takes it.
        budget: As `tfprune.factorize` takes it.

    Returns:
        Callable, `ModelGraph` and list of `Candidate` to dict, id of a layer
        to its rank.

    Raises:
        ValueError: if there are several of the three.
    """
    given = {"energy": energy, "ranks": ranks, "budget": budget}
    names = [name for name, value in given.items() if value is not None]
    validation.check(
        "energy, ranks, budget",
        ", ".join(names),
        len(names) <= 1,
        "one of the three",
    )
    if budget is not None:
        return lambda graph, found: _within(graph, found, budget)
    if ranks is not None:
        return lambda _, found: ranks_lib.by_ranks(found, ranks)
    energy = _ENERGY if energy is None else energy
    return lambda _, found: ranks_lib.by_energy(found, energy)


def _within(graph, found, budget):
    """The ranks of the most energy, the same for all, within a budget."""
    wanted, cost_model = cost_models.parse(budget)
    choices = _ByEnergy(graph, found, cost_model)
    return choices.ranks(choices.amount(wanted))


def choose_ranks(
    model: keras.Model,
    data,
    accuracy_drop: float = 0.01,
    budget: str | None = None,
    **arguments,
) -> plan_lib.RankPlan:
    """Finds ranks that keep the accuracy, without any training after it.

    All layers get the rank that costs each of them, by itself, the same drop
    of accuracy: the greatest one with which the model still has the accuracy
    wanted, or the least one that meets a budget.

    Args:
        model: As `measure_rank_sensitivity` takes it.
        data: Tuple of arrays (examples, labels), held out from training.
        accuracy_drop: Float >= 0: accuracy may drop so far. Defaults to 0.01.
        budget: String, as `tfprune.factorize` takes it, or None (default): as
            few MACs as the accuracy allows.
        **arguments: Of `measure_rank_sensitivity`.

    Returns:
        A `RankPlan`. Its `ranks` are those that `tfprune.factorize` takes.

    Raises:
        ValueError: for bad data, or if no ranks meet the budget at that
            accuracy; it says what was reached.

    Example:

    ```python
    plan = tfprune.planning.choose_ranks(model, held_out, budget="macs<=50%")
    found = tfprune.factorize(model, ranks=plan.ranks)
    ```
    """
    validation.check("accuracy_drop", accuracy_drop, accuracy_drop >= 0, ">= 0")
    found = rank_sensitivity.measure_rank_sensitivity(model, data, **arguments)
    arguments.pop("shares", None)
    trial = rank_sensitivity.Trial(model, data, **arguments)
    wanted, cost_model = cost_models.parse(budget or "macs<=0")
    choices = _ByDrop(found, trial, cost_model)
    if budget is None:
        return choices.cheapest(accuracy_drop)
    return choices.within(wanted, accuracy_drop)


class _Ranks(plan_lib.Choices[plan_lib.RankPlan]):
    """The rank of each layer by one number."""

    kind = "rank"
    result = plan_lib.RankPlan
    means = "lower ranks"

    def __init__(self, graph, found, cost_model):
        self._found = found
        self._cost = cost_model.of_ranks(graph, found)
        super().__init__(self._cost.dense, cost_model.unit)

    def wanted(self, amount):
        """Id of each layer to its rank, whether that saves anything or not."""
        raise NotImplementedError

    def ranks(self, amount):
        """Those of the ranks that save anything; none for None."""
        return self._cost.saving({} if amount is None else self.wanted(amount))

    def cost(self, amount):
        return self._cost.cost(self.ranks(amount))

    def rows(self, amount):
        chosen, most = map(self.ranks, (amount, self.most))
        return [self._row(x, chosen, most) for x in self._found]

    def _row(self, candidate, chosen, most):
        full, key = candidate.full_rank, id(candidate.layer)
        rank, least = chosen.get(key), most.get(key, full)
        sparsity = 0.0 if rank is None else 1 - rank / full
        return plan_lib.LayerPlan(
            (candidate.name,), full, least, rank, sparsity
        )


class _ByEnergy(_Ranks):
    """The least rank of each layer that loses at most a share of energy."""

    def wanted(self, amount):
        energy = 1 - max(amount, _NOISE)
        return {id(x.layer): x.rank(energy) for x in self._found}

    def advice(self):
        return ", at rank 1: ask for that, or let more layers be factorised."


class _ByDrop(_Ranks):
    """The least rank of each layer that costs at most a drop of accuracy."""

    most = 2.0
    halvings = 20

    def __init__(self, sensitivity, trial, cost_model):
        super().__init__(trial.graph, list(trial.found.values()), cost_model)
        self._sensitivity, self._trial = sensitivity, trial

    def wanted(self, amount):
        ranks = self._sensitivity.at(amount)
        return {id(x.layer): ranks[x.name] for x in self._found}

    def advice(self):
        return ", at the least ranks that were tried: ask for that."

    def cheapest(self, accuracy_drop):
        """The ranks of the greatest drop that the model as a whole allows."""

        def is_allowed(drop):
            return self._dropped(drop) <= accuracy_drop

        _, less = solver.bracket(
            lambda x: is_allowed(self.most - x), self.most, self.halvings
        )
        drop = self.most - less
        # Layers may cost nothing each, and something together.
        return self.plan(drop if is_allowed(drop) else None, None)

    def within(self, budget, accuracy_drop):
        """The ranks of the least drop that meets a budget."""
        plan = self.solve(budget)
        if plan.accuracy_drop > accuracy_drop:
            raise ValueError(
                f"`budget` must be met within accuracy_drop={accuracy_drop}. "
                f"Received: budget={budget.text!r}, with which the model costs "
                f"{quantities.text(plan.cost)} {plan.unit} and loses "
                f"{plan.accuracy_drop:.4f} before training. Allow for more of "
                "either, and train after it."
            )
        return plan

    def plan(self, amount, limit):
        plan = super().plan(amount, limit)
        dense = self._sensitivity.dense
        pruned = dense - self._dropped(amount)
        return dataclasses.replace(plan, accuracies=(dense, pruned))

    def _dropped(self, amount):
        ranks = self.ranks(amount)
        names = {id(x.layer): x.name for x in self._found}
        choice = {names[x]: rank for x, rank in ranks.items()}
        (accuracy,) = self._trial.accuracies([choice])
        return self._sensitivity.dense - accuracy
