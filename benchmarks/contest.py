"""Engines that run the same layers or nets in turn."""

from __future__ import annotations

import functools
import math
import pathlib
import typing

from benchmarks import interleaving


class Entry(typing.NamedTuple):
    """Something to run.

    Args:
        name: Of any kind; no two entries have the same.
        path: Of a file as `engine_server.py` reads it.
        is_pruned: Bool. It is for engines that zeros make faster then, and
            for the others else.
    """

    name: typing.Any
    path: pathlib.Path
    is_pruned: bool


def hold(servers: list, entries: list[Entry], rounds: int, repeats: int):
    """Measures every entry with every engine that has something for it.

    Args:
        servers: List of `engines.Server`.
        entries: List of `Entry`.
        rounds: Integer, runs of each.
        repeats: Integer, those of them that are in a row, so that caches are
            warm.

    Returns:
        Dict, name of an entry to a dict, name of an engine to its seconds.
    """
    runs = _open(servers, entries)
    times = interleaving.bursts(runs, math.ceil(rounds / repeats), repeats)
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
