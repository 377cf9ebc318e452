"""Whole nets, sparse and dense, in TensorFlow and in other engines."""

from __future__ import annotations

import pathlib
import sys
import tempfile
import typing

from benchmarks import contest
from benchmarks import engines
from benchmarks import models_table
from benchmarks import narrow
from benchmarks import net_files
from benchmarks import nets
from benchmarks import threads as threads_lib
from benchmarks import work
from tfprune.compress.sparse import sparsify
from tfprune.utils import validation

REPEATS = 5  # In a row.
_DENSE, _NARROW = "dense", "narrow"


class Setup(typing.NamedTuple):
    """What is measured.

    Args:
        names: Strings, keys of `tfprune.applications.MODELS`, or paths of
            `.keras` files.
        sparsities: Tuple, each as of `nets.pruned`.
        batch: Integer. Defaults to 1.
        threads: Integer, of each engine. Defaults to 1.
    """

    names: tuple
    sparsities: tuple
    batch: int = 1
    threads: int = 1


def run(setup: Setup, environments: engines.Environments, rounds: int) -> str:
    """Measures nets as `sparsify` makes them, and dense ones.

    Args:
        setup: `Setup`.
        environments: `engines.Environments`.
        rounds: Integer, runs of each engine.

    Returns:
        The results as Markdown.
    """
    others = environments.engines or environments.deepsparse
    validation.check(
        "convert",
        environments.convert,
        environments.convert or not others,
        "a Python that has tf2onnx, where other engines are measured",
    )
    rows = []
    for name, writer, servers in each(setup, environments):
        rows += _measure(name, setup, writer, servers, rounds)
    return models_table.markdown(rows, setup)


def each(setup: Setup, environments: engines.Environments):
    """Checks a setup, and yields each net's name, `Writer` and engines."""
    for name in setup.names:
        for sparsity in setup.sparsities:
            nets.check(name, sparsity)
    threads_lib.use(setup.threads)
    with environments.running(setup.threads) as servers:
        for name in setup.names:
            print(name, file=sys.stderr, flush=True)
            with tempfile.TemporaryDirectory() as folder:
                writer = net_files.Writer(folder, setup.batch, environments)
                yield name, writer, servers


class _Case(typing.NamedTuple):
    """A net at one sparsity: what is run, and what the table says of it."""

    sparsity: float | str
    decisions: list
    kept: float
    narrow: float
    entries: list


def _measure(name, setup, writer, servers, rounds):
    dense = nets.dense(name)
    entries = [contest.Entry(_DENSE, writer.dense(dense), False)]
    cases = [_case(name, dense, s, writer) for s in setup.sparsities]
    for case in cases:
        entries += case.entries
    times = contest.hold(servers, entries, rounds, REPEATS)
    return [_row(name, case, times) for case in cases]


def _case(name, dense, sparsity, writer):
    model = nets.pruned(name, sparsity)
    found = sparsify.sparsify(model, writer.batch)
    kept = work.kept(model)
    narrower = narrow.narrow(dense, kept)
    part = work.total(narrower) / work.total(dense)
    sparse = writer.pruned(f"{sparsity}", model, found.model)
    slim = writer.narrow(f"{sparsity} {_NARROW}", narrower)
    entries = [
        contest.Entry(sparsity, sparse, True),
        contest.Entry((sparsity, _NARROW), slim, False),
    ]
    return _Case(sparsity, found.decisions, kept, part, entries)


def _row(name, case, times):
    return models_table.Row(
        pathlib.Path(name).stem,
        case.sparsity,
        case.decisions,
        case.kept,
        {**times[_DENSE], **times[case.sparsity]},
        case.narrow,
        times[case.sparsity, _NARROW],
    )
