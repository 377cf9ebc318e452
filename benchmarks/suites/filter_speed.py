"""Nets without a share of their filters beside whole ones, in each engine."""

from __future__ import annotations

import tensorflow as tf

from benchmarks.cases import models as model_cases
from benchmarks.engines import client
from benchmarks.harness import compare
from benchmarks.harness import report
from benchmarks.suites import models
from tfprune.compress.filters import remove
from tfprune.compress.filters import zero
from tfprune.utils import validation

_HEADER = ("net", "filters removed", "parameters", "MACs")


def main(flags) -> str:
    """Returns the results of a command line."""
    setup = models.Setup(
        flags.model, flags.sparsities, flags.batch, flags.threads
    )
    environments = client.Environments(
        engines=flags.engines, convert=flags.convert
    )
    return run(setup, environments, flags.rounds)


def run(
    setup: models.Setup, environments: client.Environments, rounds: int
) -> str:
    """Measures how many times faster nets are once filters are removed.

    Args:
        setup: `models.Setup`, whose sparsities are shares of the filters.
        environments: `client.Environments`. TensorFlow always runs; LiteRT
            needs `engines`, and ONNX Runtime `convert`, too.
        rounds: Integer, runs of each engine.

    Returns:
        The results as Markdown.
    """
    for sparsity in setup.sparsities:
        validation.check_sparsity("sparsities", sparsity)
    rows = []
    for name, writer, servers in models.each(setup, environments):
        rows += _measure(name, setup.sparsities, writer, servers, rounds)
    return f"{_heading(setup, rounds)}\n\n{table(_HEADER, rows)}"


def _measure(name, sparsities, writer, servers, rounds):
    """Returns net, share, what is saved, and engine to ratio, of each share."""
    dense = model_cases.build(name)
    small = {x: _small(dense, x) for x in sparsities}
    ratios = measure(dense, small, writer, servers, rounds)
    return [
        (
            *(name, f"{key:.0%}"),
            f"{dense.count_params() / model.count_params():.2f}x",
            f"{model_cases.macs(dense) / model_cases.macs(model):.2f}x",
            ratios[key],
        )
        for key, model in small.items()
    ]


def measure(dense, small: dict, writer, servers: list, rounds: int) -> dict:
    """How many times as fast nets are as the one that they come from.

    Args:
        dense: Keras model.
        small: Dict, a key of any type to a Keras model.
        writer: `export.Writer`.
        servers: List of `client.Server`.
        rounds: Integer, runs of each.

    Returns:
        Dict, key to a dict, name of an engine to text.
    """
    entries = [
        compare.Entry(key, writer.dense(model, str(key)), False)
        for key, model in {"dense": dense, **small}.items()
    ]
    times = compare.measure(servers, entries, rounds, models.REPEATS)
    whole = times.pop("dense")
    return {
        key: {x: f"{min(whole[x]) / min(own[x]):.2f}x" for x in own}
        for key, own in times.items()
    }


def _small(dense, sparsity):
    zeroed = zero.zero_filters(dense, sparsity)
    return remove.remove_filters(zeroed).model


def table(header: tuple, rows: list) -> str:
    """A table with a column for each engine.

    Args:
        header: Tuple of strings, of the columns before these.
        rows: List of tuples of strings, the last of each a dict: name of an
            engine to text.
    """
    names = list(rows[0][-1])
    cells = [
        (*row, *(ratios.get(name, "") for name in names))
        for *row, ratios in rows
    ]
    return report.table([(*header, *names), *cells])


def _heading(setup, rounds):
    shares = ",".join(f"{x:g}" for x in setup.sparsities)
    return (
        "Nets without some of their filters, ordinary Keras models, beside "
        "whole ones in the same engine: how many times\nfewer parameters and "
        "multiply-accumulates (MACs), and how many times as fast, by the least "
        f"of {rounds} runs;\nruns in a row, engines and nets in turn. Random "
        f"weights, float32, batch {setup.batch}, {setup.threads} thread(s), "
        f"TensorFlow {tf.__version__}.\n\n    python scripts/benchmark.py "
        f"filter_speed --model={','.join(setup.names)} --sparsities={shares} "
        f"\\\n        --batch={setup.batch} --threads={setup.threads} "
        "--engines=PYTHON --convert=PYTHON"
    )
