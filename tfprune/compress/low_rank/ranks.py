"""Ranks: from what a user wants to the rank of each layer.

Each function gives a dict, id of a layer to its rank. Layers that are not
there stay as they are.
"""

from __future__ import annotations

import numbers

from tfprune.utils import layer_names
from tfprune.utils import validation


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


def _by_layer(argument, by_pattern, found):
    """Pairs of candidate and value, but for None."""
    if not isinstance(by_pattern, dict):
        validation.check(argument, by_pattern, False, "a dict, layer to number")
    names, paths = [x.name for x in found], [x.path for x in found]
    values = (
        layer_names.resolve(argument, by_pattern, names, paths) if names else {}
    )
    pairs = [(x, values.get(x.name)) for x in found]
    return [(x, value) for x, value in pairs if value is not None]


def _check_rank(candidate, rank):
    whole = isinstance(rank, numbers.Integral) and not isinstance(rank, bool)
    full = candidate.full_rank
    validation.check(
        f"ranks[{candidate.name!r}]",
        rank,
        whole and 1 <= rank <= full,
        f"an integer from 1 to the full rank of its filters, {full}",
    )
