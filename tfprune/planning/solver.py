"""Solver: the least pruning that meets a budget. There is no other one.

What is pruned is one number, the *amount*, from 0 to the most that is
possible; the cost is a function of it that does not rise. What an amount
means (a sparsity, a share of filters, a loss of energy) is not known here.
"""

from __future__ import annotations

import collections.abc


def solve(
    cost: collections.abc.Callable[[float], float],
    limit: float,
    most: float = 1.0,
    halvings: int = 30,
) -> float | None:
    """Finds the least amount of pruning whose cost is within a limit.

    Args:
        cost: Callable, amount to cost.
        limit: Float, the greatest cost allowed.
        most: Float, the greatest amount. Defaults to 1.
        halvings: Integer, how often an interval of amounts is halved: the
            result is within `most / 2**halvings`. Defaults to 30.

    Returns:
        Float in [0, most] whose cost is within the limit; None if not even
        that of `most` is.

    Example:

    >>> solve(lambda amount: 80 * (1 - amount), limit=40)
    0.5
    """
    if cost(most) > limit:
        return None
    if cost(0.0) <= limit:
        return 0.0
    return bracket(lambda amount: cost(amount) <= limit, most, halvings)[1]


def bracket(
    holds: collections.abc.Callable[[float], bool], most: float, halvings: int
) -> tuple[float, float]:
    """Halves an interval again and again, around where a condition begins.

    Args:
        holds: Callable, amount to bool: False up to some amount, True from
            there on. It is not asked at 0, where it is taken to be False, nor
            at `most`, where it is taken to be True.
        most: Float, the greatest amount.
        halvings: Integer.

    Returns:
        Two amounts `most / 2**halvings` apart: the condition does not hold at
        the first one, and does at the second.
    """
    low, high = 0.0, most
    for _ in range(halvings):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return low, high
