"""Rank choice: from what a user wants to the rank of each layer.

A choice is a function, candidates to dict: id of a layer to its rank. Layers
that are not there stay as they are.
"""

from __future__ import annotations

import numbers

import keras

from tfprune.compress import candidates as candidates_lib
from tfprune.compress import work
from tfprune.core import limits
from tfprune.core import names
from tfprune.core import part

_TURNS = 30


def check_energy(energy) -> None:
    """Raises unless an energy is a number in (0, 1]."""
    is_number = isinstance(energy, numbers.Real) and not isinstance(
        energy, bool
    )
    part.check("energy", energy, is_number and 0 < energy <= 1, "in (0, 1]")


def by_energy(found: list, energy: float | dict) -> dict[int, int]:
    """The least ranks that keep so much energy.

    Args:
        found: List of `Candidate`.
        energy: Float in (0, 1], or dict of them by layer.
    """
    by_layer = energy if isinstance(energy, dict) else {".*": energy}
    chosen = _by_layer("energy", by_layer, found)
    for _, value in chosen:
        check_energy(value)
    return {id(x.layer): x.rank(value) for x, value in chosen}


def by_ranks(found: list, ranks: dict) -> dict[int, int]:
    """The ranks that are given.

    Args:
        found: List of `Candidate`.
        ranks: Dict, layer to integer.
    """
    chosen = _by_layer("ranks", ranks, found)
    for candidate, rank in chosen:
        _check_rank(candidate, rank)
    return {id(x.layer): int(rank) for x, rank in chosen}


def by_budget(found: list, budget: str, model: keras.Model) -> dict[int, int]:
    """The ranks of the most energy, the same for all, within a budget.

    Layers that a rank would not make cheaper are left out.

    Args:
        found: List of `Candidate`.
        budget: String, `"macs<=50%"` or `"parameters<=1M"`.
        model: Keras model, the candidates' layers among others.

    Raises:
        ValueError: if no energy meets it; it says what can be reached.
    """
    wanted = limits.parse(budget, work.COSTS)
    bill = Bill(found, work.COSTS[wanted.objective], model)
    limit = wanted.cost(bill.dense)
    low, high = 0.0, 1.0
    if bill.cost(bill.ranks(low)) > limit:
        raise ValueError(
            f"`budget` must be met by some ranks. Received: {budget!r}, which "
            f"is {limit:,.0f}. At rank 1 the net still costs "
            f"{bill.cost(bill.ranks(low)):,.0f}."
        )
    for _ in range(_TURNS):
        middle = (low + high) / 2
        fits = bill.cost(bill.ranks(middle)) <= limit
        low, high = (middle, high) if fits else (low, middle)
    return bill.ranks(low)


class Bill:
    """What a net costs at some ranks; each unit of rank costs the same.

    Args:
        found: List of `Candidate`.
        cost: A value of `work.COSTS`.
        model: Keras model.
    """

    def __init__(self, found: list, cost, model: keras.Model):
        self._found = found
        self.dense = work.total(model, cost)
        self._before = {id(x.layer): x.count(cost) for x in found}
        self._price = {id(x.layer): _price(x, cost) for x in found}

    def cost(self, ranks: dict[int, int]) -> float:
        """Returns what the net costs, at these ranks."""
        return self.dense - sum(self._saved(x, r) for x, r in ranks.items())

    def ranks(self, energy: float) -> dict[int, int]:
        """Returns the ranks of an energy, where they save anything."""
        return self.saving({id(x.layer): x.rank(energy) for x in self._found})

    def saving(self, ranks: dict[int, int]) -> dict[int, int]:
        """Returns those of some ranks that save anything."""
        return {x: r for x, r in ranks.items() if self._saved(x, r) > 0}

    def _saved(self, layer, rank):
        fixed, each = self._price[layer]
        return self._before[layer] - fixed - each * rank


def _price(candidate: candidates_lib.Candidate, cost):
    """What rank 0 would cost (a bias), and what each unit of rank does."""
    one, two = (
        candidate.count_split(cost, candidate.split(rank)) for rank in (1, 2)
    )
    return 2 * one - two, two - one


def _by_layer(argument, by_pattern, found):
    """Returns pairs of candidate and value, but for None."""
    if not isinstance(by_pattern, dict):
        part.check(argument, by_pattern, False, "a dict, layer to number")
    known = [x.layer.name for x in found]
    values = names.resolve(argument, by_pattern, known) if known else {}
    pairs = [(x, values.get(x.layer.name)) for x in found]
    return [(x, value) for x, value in pairs if value is not None]


def _check_rank(candidate, rank):
    whole = isinstance(rank, numbers.Integral) and not isinstance(rank, bool)
    full = candidate.full_rank
    part.check(
        f"ranks[{candidate.layer.name!r}]",
        rank,
        whole and 1 <= rank <= full,
        f"an integer from 1 to the full rank of its filters, {full}",
    )
