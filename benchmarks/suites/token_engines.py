"""Nets on tokens as `sparsify` makes them, beside dense and sparse engines."""

from __future__ import annotations

import dataclasses
import functools
import sys
import tempfile

import tensorflow as tf

from benchmarks.cases import token_nets
from benchmarks.engines import client
from benchmarks.engines import export
from benchmarks.harness import compare
from benchmarks.harness import inprocess
from benchmarks.harness import report
from benchmarks.suites import models
from tfprune.compress.sparse import sparsify
from tfprune.utils import validation

_HEADER = ("net", "tokens", "sparsity", "sparse layers", "x best dense")


@dataclasses.dataclass(frozen=True)
class Row(compare.Timed):
    """A net at one length and sparsity.

    Args:
        net: String, key of `token_nets.NETS`.
        length: Integer.
        sparsity: Float.
        layers: String, how many run sparse.
        times: Dict, name of an engine to the seconds of its runs.
    """

    net: str
    length: int
    sparsity: float
    layers: str
    times: dict[str, list[float]]


def main(flags) -> str:
    """Returns the results of a command line."""
    environments = client.Environments(
        flags.engines, flags.deepsparse, flags.convert
    )
    return run(
        flags.sparsities,
        flags.threads,
        environments,
        flags.rounds,
        flags.lengths,
    )


def run(
    sparsities: tuple,
    threads: int,
    environments: client.Environments,
    rounds: int,
    lengths: tuple = (),
) -> str:
    """Measures all nets at all lengths.

    Args:
        sparsities: Tuple of floats.
        threads: Integer, of each engine.
        environments: `client.Environments`.
        rounds: Integer, runs of each engine.
        lengths: Tuple of integers, tokens; others are left out. Defaults to
            none: all. To convert a net takes minutes at 1024 tokens.

    Returns:
        The results as Markdown.
    """
    for sparsity in sparsities:
        validation.check_sparsity("sparsities", sparsity)
    inprocess.set_threads(threads)
    rows = [
        row
        for name, (_, own) in token_nets.NETS.items()
        for length in own
        if not lengths or length in lengths
        for row in _rows(
            name, length, sparsities, threads, environments, rounds
        )
    ]
    return f"{_heading(threads, rounds)}\n\n{_table(rows)}"


def _rows(name, length, sparsities, threads, environments, rounds):
    inputs = functools.partial(token_nets.inputs, length=length)
    layers = {}
    with tempfile.TemporaryDirectory() as folder:
        writer = export.Writer(folder, inputs, environments)
        dense = writer.dense(token_nets.pruned(name, 0.0))
        entries = [compare.Entry("dense", dense, False)]
        for sparsity in sparsities:
            print(name, length, sparsity, file=sys.stderr, flush=True)
            path, layers[sparsity] = _sparse(name, length, sparsity, writer)
            entries.append(compare.Entry(sparsity, path, True))
        # Not before: to convert a net takes most of the memory.
        with environments.running(threads) as servers:
            times = compare.measure(servers, entries, rounds, models.REPEATS)
    whole = times.pop("dense")
    return [
        Row(name, length, sparsity, layers[sparsity], {**whole, **own})
        for sparsity, own in times.items()
    ]


def _sparse(name, length, sparsity, writer):
    """Writes a sparse net; tells how many of its layers are sparse."""
    model = token_nets.pruned(name, sparsity)
    shapes = [(length,)] * len(model.inputs)
    found = sparsify.sparsify(model, shapes=shapes)
    chosen = [decision.chosen == "sparse" for decision in found.decisions]
    path = writer.pruned(f"{sparsity}", model, found.model)
    return path, f"{sum(chosen)} of {len(chosen)}"


def _table(rows):
    others = [
        engine.name
        for engine in client.ENGINES
        if engine.name != client.OURS and engine.name in rows[0].times
    ]
    cells = [
        (
            *(row.net, f"{row.length}", f"{row.sparsity:.0%}", row.layers),
            row.ratios(compare.DENSE),
            *(f"{row.ratio([name]):.2f}" for name in others),
        )
        for row in rows
    ]
    return report.table([(*_HEADER, *others), *cells])


def _heading(threads, rounds):
    return (
        "Nets on tokens as `sparsify` makes them, whole, and how many times as "
        "fast as each engine: one sequence,\nrandom weights, float32, "
        f"{threads} thread(s). By the least of {rounds} runs, in parentheses "
        "by the medians; runs in a row,\nengines in turn, each in a process "
        "of its own. DeepSparse runs the same zeros, the others dense "
        "weights. The sparse net is\ncalled by `exporters.to_function`, as "
        f"'(constants)' is the dense one. TensorFlow {tf.__version__}."
    )
