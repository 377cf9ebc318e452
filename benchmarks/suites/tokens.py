"""Nets on tokens as `sparsify` makes them, beside what they were, by length."""

from __future__ import annotations

import sys

import tensorflow as tf

from benchmarks.cases import token_nets
from benchmarks.harness import inprocess
from benchmarks.harness import report
from tfprune.compress.sparse import sparsify
from tfprune.utils import validation

_HEADER = (
    *("net", "tokens", "sparsity", "sparse layers"),
    *("x TensorFlow", "kernels alone", "TensorFlow in kernels"),
)


def main(flags) -> str:
    """Returns the results of a command line."""
    return run(flags.sparsities, flags.threads, flags.rounds)


def run(sparsities: tuple, threads: int, rounds: int) -> str:
    """Measures all nets at all lengths.

    Args:
        sparsities: Tuple of floats.
        threads: Integer, of an operation; one runs at a time.
        rounds: Integer, of each measurement.

    Returns:
        The results as Markdown.
    """
    for sparsity in sparsities:
        validation.check_sparsity("sparsities", sparsity)
    inprocess.set_threads(threads)
    rows = [
        _row(name, length, sparsity, rounds)
        for name, (_, lengths) in token_nets.NETS.items()
        for sparsity in sparsities
        for length in lengths
    ]
    return (
        f"Nets on tokens as `sparsify` makes them: one sequence, {threads} "
        "thread(s), random weights, float32. 'x TensorFlow':\nhow many times "
        "as fast as the model given, whole; 'kernels alone': its projections "
        f"and dense layers,\nwhich take 'TensorFlow in kernels' of its time. "
        f"Least of {rounds} rounds, in turn. TensorFlow {tf.__version__}.\n\n"
        f"{report.table([_HEADER, *rows])}"
    )


def _row(name, length, sparsity, rounds):
    print(name, length, sparsity, file=sys.stderr, flush=True)
    model = token_nets.pruned(name, sparsity)
    shapes = [(length,)] * len(model.inputs)
    found = sparsify.sparsify(model, rounds=rounds, shapes=shapes)
    tried = [x for x in found.decisions if x.sparse_ms is not None]
    dense = sum(x.dense_ms for x in tried)
    best = sum(min(x.dense_ms, x.sparse_ms) for x in tried)
    whole = found.milliseconds["given"]
    chosen = sum(x.chosen == "sparse" for x in found.decisions)
    return (
        name,
        f"{length}",
        f"{sparsity:.0%}",
        f"{chosen} of {len(tried)}",
        f"{whole / min(found.milliseconds.values()):.2f}",
        f"{dense / best:.2f}",
        f"{dense / whole:.0%}",
    )
