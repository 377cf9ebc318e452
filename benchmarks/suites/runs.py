"""What runs made of a net: how small, how accurate, how fast."""

from __future__ import annotations

import json
import pathlib

import keras
import tensorflow as tf

from benchmarks.harness import inprocess
from benchmarks.harness import report
from experiments import workdir
from tfprune import applications
from tfprune.compress.sparse import sparsify
from tfprune.exporters import compact
from tfprune.profiling import timer

_HEADER = (
    *("run", "test accuracy", "dense", "parameters", "MACs", "file"),
    *("TensorFlow", "sparsified", "LiteRT"),
)


def main(flags) -> str:
    """Returns the results of a command line."""
    return run(flags.workdir, flags.batch, flags.threads, flags.rounds)


def run(paths: list[str], batch: int, threads: int, rounds: int) -> str:
    """Times the dense net, a run's model, and that model sparsified, in turn.

    Args:
        paths: Workdirs of finished runs.
        batch: Integer, examples in a call.
        threads: Integer, of each engine.
        rounds: Integer.

    Returns:
        The results as Markdown.
    """
    inprocess.set_threads(threads)
    rows = [_row(pathlib.Path(x), batch, threads, rounds) for x in paths]
    return (
        "What is left of nets, of their median seeds: parameters and "
        "multiplications (MACs) that are not zero, the size of\n`model.npz`, "
        "and how many times as fast as the dense net: as it is in TensorFlow, "
        "as `tfprune.sparsify` makes it,\nand as it is in LiteRT. Medians of "
        f"{rounds} rounds in turn; batch {batch}, {threads} thread(s), "
        f"TensorFlow {tf.__version__},\nKeras {keras.__version__}.\n\n"
        "    python scripts/benchmark.py runs --workdir="
        f"{','.join(map(str, paths))} --batch={batch} --threads={threads}\n\n"
        f"{report.table([_HEADER, *rows])}"
    )


def _row(path, batch, threads, rounds):
    median = json.loads((path / "summary.json").read_text())["median"]
    sizes = json.loads((path / "report.json").read_text())
    dense = applications.build(workdir.config(path).model, 0)
    file = path / "model.npz"
    return (
        path.name,
        f"{median['test_accuracy']:.2%}",
        f"{median['dense_test_accuracy']:.2%}",
        f"{sizes['parameters_kept']:,}",
        f"{sizes['macs_kept']:,}",
        f"{file.stat().st_size / 1024:.1f} KB",
        *_times(dense, compact.load(file), batch, threads, rounds),
    )


def _times(dense, small, batch, threads, rounds):
    """Returns how many times as fast: as it is, sparsified, in LiteRT."""
    sparse = sparsify.sparsify(small, batch).model
    x = timer.sample((batch, *dense.input_shape[1:]))
    ratios = [
        inprocess.speedup(
            make(dense, x, threads), make(net, x, threads), rounds
        )
        for make, net in (
            (inprocess.in_tensorflow, small),
            (inprocess.in_tensorflow, sparse),
            (inprocess.in_litert, small),
        )
    ]
    return [f"{ratio:.2f}x" for ratio in ratios]
