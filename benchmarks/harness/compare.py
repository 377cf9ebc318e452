"""Engines that run the same layers or nets in turn, and their ratios."""

from __future__ import annotations

import functools
import math
import pathlib
import statistics
import typing

from benchmarks.engines import client
from benchmarks.harness import interleave

DENSE = [e.name for e in client.ENGINES if not e.takes_sparse]
# DeepSparse transforms some convolutions instead of computing them directly.
DIRECT = [name for name in DENSE if name != client.DEEPSPARSE_DENSE]
TENSORFLOW = [name for name in DENSE if name.startswith(client.TENSORFLOW)]
OTHER_SPARSE = [
    engine.name
    for engine in client.ENGINES
    if engine.takes_sparse and engine.name != client.OURS
]


class Entry(typing.NamedTuple):
    """Something to run.

    Args:
        name: Of any type; no two entries have the same.
        path: Of a file as `engines/server.py` reads it.
        is_pruned: Bool. It is for engines that zeros make faster then, and
            for the others else.
    """

    name: typing.Any
    path: pathlib.Path
    is_pruned: bool


def measure(
    servers: list[client.Server],
    entries: list[Entry],
    rounds: int,
    repeats: int,
) -> dict[typing.Any, dict[str, list[float]]]:
    """Measures every entry with every engine that has something for it.

    Args:
        servers: List of `client.Server`.
        entries: List of `Entry`.
        rounds: Integer, runs of each.
        repeats: Integer, those of them that are in a row, so that caches are
            warm.

    Returns:
        Dict, name of an entry to a dict, name of an engine to its seconds.
    """
    runs = _open(servers, entries)
    times = interleave.bursts(runs, math.ceil(rounds / repeats), repeats)
    for server in servers:
        for entry in entries:
            server.close(str(entry.path))
    found = {entry.name: {} for entry in entries}
    for (name, engine), seconds in times.items():
        found[name][engine] = seconds
    return found


def _open(servers, entries):
    """Returns (entry, engine) to a function that runs it repeatedly."""
    return {
        (entry.name, server.engine.name): functools.partial(
            server.run, str(entry.path)
        )
        for server in servers
        for entry in entries
        if entry.is_pruned == server.engine.takes_sparse
        and server.open(str(entry.path))
    }


class Timed:
    """What several engines ran, tfprune among them.

    Attributes:
        times: Dict, name of an engine to the seconds of its runs.
    """

    times: dict[str, list[float]]

    @property
    def seconds(self) -> float:
        """The least time of tfprune."""
        return min(self.times[client.OURS])

    def best(self, names) -> str | None:
        """Returns the engine with the least time."""
        known = [name for name in names if name in self.times]
        return min(known, key=lambda name: min(self.times[name]), default=None)

    def ratio(self, names, statistic=min) -> float:
        """Returns how many times faster than the best of some engines."""
        own = statistic(self.times[client.OURS])
        return statistic(self.times[self.best(names)]) / own

    def ratios(self, names) -> str:
        """Returns the ratio, and that of the medians in parentheses."""
        if not self.best(names):
            return ""
        median = self.ratio(names, statistics.median)
        return f"{self.ratio(names):.2f} ({median:.2f})"
