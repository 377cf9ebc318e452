"""Rank choice: from what a user wants to the rank of each layer.

A choice is a function, candidates to dict: id of a layer to its rank. Layers
that are not there stay as they are.
"""

from __future__ import annotations

import functools
import numbers

import keras

from tfprune.compress.low_rank import candidates as candidates_lib
from tfprune.compress.low_rank import rank_times
from tfprune.graph import work
from tfprune.profiling import timer
from tfprune.utils import layer_names
from tfprune.utils import quantities
from tfprune.utils import validation

_TURNS = 30
_ROUNDS = 30


def check_energy(energy) -> None:
    """Raises unless an energy is a number in (0, 1]."""
    is_number = isinstance(energy, numbers.Real) and not isinstance(
        energy, bool
    )
    validation.check(
        "energy", energy, is_number and 0 < energy <= 1, "in (0, 1]"
    )


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
        budget: String, `"macs<=50%"`, `"parameters<=1M"` or
            `"latency<=2ms"`, measured.
        model: Keras model, the candidates' layers among others.

    Raises:
        ValueError: if no energy meets it; it says what can be reached.
    """
    wanted = quantities.parse(budget, BILLS)
    bill = BILLS[wanted.objective](found, model)
    limit = wanted.cost(bill.dense)
    low, high = 0.0, 1.0
    if bill.cost(bill.ranks(low)) > limit:
        raise ValueError(
            f"`budget` must be met by some ranks. Received: {budget!r}, which "
            f"is {quantities.text(limit)}. At rank 1 the net still costs "
            f"{quantities.text(bill.cost(bill.ranks(low)))}."
        )
    for _ in range(_TURNS):
        middle = (low + high) / 2
        fits = bill.cost(bill.ranks(middle)) <= limit
        low, high = (middle, high) if fits else (low, middle)
    return bill.ranks(low)


class Bill:
    """What a net costs at some ranks.

    Args:
        found: List of `Candidate`.
        dense: Number, what it costs as it is.
        saved: Callable, a candidate to a callable: a rank to what it saves.
    """

    def __init__(self, found: list, dense: float, saved):
        self._found = found
        self.dense = dense
        self._saved = {id(x.layer): saved(x) for x in found}

    def cost(self, ranks: dict[int, int]) -> float:
        """Returns what the net costs, at these ranks."""
        return self.dense - sum(self._saved[x](r) for x, r in ranks.items())

    def ranks(self, energy: float) -> dict[int, int]:
        """Returns the ranks of an energy, where they save anything."""
        return self.saving({id(x.layer): x.rank(energy) for x in self._found})

    def saving(self, ranks: dict[int, int]) -> dict[int, int]:
        """Returns those of some ranks that save anything."""
        return {x: r for x, r in ranks.items() if self._saved[x](r) > 0}


def _counted(cost, found, model):
    """Each unit of rank costs the same."""
    saved = functools.partial(_saved_count, cost)
    return Bill(found, work.total(model, cost), saved)


def _saved_count(cost, candidate: candidates_lib.Candidate):
    one, two = (
        candidate.count_split(cost, candidate.split(rank)) for rank in (1, 2)
    )
    before = candidate.count(cost)
    return lambda rank: before - one - (two - one) * (rank - 1)


def _timed(found, model):
    """Milliseconds of a call with one example, on this machine."""
    whole = timer.models({"whole": model}, 1, _ROUNDS)["whole"]
    return Bill(found, whole, rank_times.saved)


BILLS = {
    **{x: functools.partial(_counted, cost) for x, cost in work.COSTS.items()},
    "latency": _timed,
}


def _by_layer(argument, by_pattern, found):
    """Returns pairs of candidate and value, but for None."""
    if not isinstance(by_pattern, dict):
        validation.check(argument, by_pattern, False, "a dict, layer to number")
    known = [x.layer.name for x in found]
    values = layer_names.resolve(argument, by_pattern, known) if known else {}
    pairs = [(x, values.get(x.layer.name)) for x in found]
    return [(x, value) for x, value in pairs if value is not None]


def _check_rank(candidate, rank):
    whole = isinstance(rank, numbers.Integral) and not isinstance(rank, bool)
    full = candidate.full_rank
    validation.check(
        f"ranks[{candidate.layer.name!r}]",
        rank,
        whole and 1 <= rank <= full,
        f"an integer from 1 to the full rank of its filters, {full}",
    )
