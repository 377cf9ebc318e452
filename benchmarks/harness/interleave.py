"""Times several calls in turn, so that what else runs slows all of them.

The standard library only: it also runs in the environments of others.
"""

from __future__ import annotations

import statistics
import time
import typing

BASELINE = "plain"


def measure(
    calls: dict[str, typing.Callable], rounds: int, clock=time.perf_counter
) -> dict[str, list[float]]:
    """Times each call once in each round; each round begins with another.

    Args:
        calls: Dict, name to a function without arguments, ready to be timed.
        rounds: Integer.
        clock: Function that returns seconds. Defaults to the wall clock.

    Returns:
        Dict, name to one time for each round.
    """
    names, times = list(calls), {name: [] for name in calls}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            begin = clock()
            calls[name]()
            times[name].append(clock() - begin)
    return times


def bursts(
    contenders: dict[str, typing.Callable], rounds: int, repeats: int
) -> dict[str, list[float]]:
    """Lets contenders time themselves in turn, several runs in a row.

    The first run of a burst finds caches as another left them; the least of
    all is what the machine can do.

    Args:
        contenders: Dict, name to a function that takes a number of runs and
            returns their seconds.
        rounds: Integer; each begins with another contender.
        repeats: Integer, runs in a row.

    Returns:
        Dict, name to `rounds * repeats` times.
    """
    names, times = list(contenders), {name: [] for name in contenders}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            times[name] += contenders[name](repeats)
    return times


def ratios(
    times: dict[str, list[float]], name: str, cycle: int = 1
) -> list[float]:
    """Returns what a call cost over the baseline.

    Args:
        times: As `measure` returns it, the baseline `"plain"` among them.
        name: String, key of `times`.
        cycle: Integer, rounds that are summed up before dividing: as many as
            it takes for what is not done in each of them. A rest that makes
            no whole cycle is left out. Defaults to 1.

    Returns:
        List of floats, one for each cycle.
    """
    pair = (_sums(times[key], cycle) for key in (name, BASELINE))
    return [own / plain for own, plain in zip(*pair, strict=True)]


def quartiles(values: list[float]) -> list[float]:
    """Returns the lower quartile, the median and the upper quartile.

    Raises:
        ValueError: for fewer than two values.
    """
    if len(values) < 2:
        raise ValueError(
            f"quartiles need 2 values or more. Received: {values}. Measure "
            "more rounds."
        )
    return statistics.quantiles(values, n=4, method="inclusive")


def _sums(values, cycle):
    ends = range(cycle, len(values) + 1, cycle)
    return [sum(values[end - cycle : end]) for end in ends]
