"""What runs made of a net: how small, how accurate, how fast.

Or one of them layer by layer.
"""

from __future__ import annotations

import json
import pathlib

import keras
import tensorflow as tf

from benchmarks.harness import inprocess
from benchmarks.harness import report
from experiments import workdir
from tfprune import applications
from tfprune import backend
from tfprune.compress.sparse import sparsify
from tfprune.exporters import npz
from tfprune.graph import model_graph
from tfprune.profiling import timer

_HEADER = (
    *("run", "test accuracy", "dense", "parameters", "MACs", "file"),
    *("TensorFlow", "sparsified", "LiteRT"),
)
_BY_LAYER = (
    *("", "kernel", "dense ms", "model ms", "faster", "sparsified ms"),
    *("faster", "runs"),
)
_REPEATS = 8  # Of a layer in one call.


def main(flags) -> str:
    """Returns the results of a command line."""
    setup = flags.batch, flags.threads, flags.rounds
    if flags.by_layer:
        return "\n".join(run_by_layer(x, *setup) for x in flags.workdir)
    return run(flags.workdir, *setup)


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
        *_times(dense, npz.load(file), batch, threads, rounds),
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


def run_by_layer(path: str, batch: int, threads: int, rounds: int) -> str:
    """Times the dense net, the run's model, and that model sparsified.

    They are timed in turn, the least time of all rounds counts.

    Args:
        path: Workdir of a finished run.
        batch: Integer, examples in a call.
        threads: Integer.
        rounds: Integer.

    Returns:
        The results as Markdown.
    """
    inprocess.set_threads(threads)
    config = workdir.config(path)
    small = npz.load(pathlib.Path(path) / "model.npz")
    found = sparsify.sparsify(small, batch)
    nets = [applications.build(config.model, 0), small, found.model]
    runs = {decision.layer: decision.chosen for decision in found.decisions}
    rows = [
        _layer_row(
            name, _kernel(small, name), _layer(nets, name, batch, rounds), run
        )
        for name, run in runs.items()
    ]
    whole = timer.models(dict(enumerate(nets)), batch, rounds)
    rows.append(_layer_row("whole model", "", list(whole.values()), ""))
    about = (
        f"{config.name}: batch {batch}, {threads} thread(s) in TensorFlow, "
        f"{rounds} rounds.\n\n    python scripts/benchmark.py runs --by_layer "
        f"--workdir={path} --batch={batch} --threads={threads}\n\n"
    )
    return about + report.table([_BY_LAYER, *rows])


def _kernel(model, name):
    return "x".join(map(str, model.get_layer(name).kernel.shape))


def _layer(nets, name, batch, rounds):
    """Returns the milliseconds of one layer in each net."""
    dense, small, fast = (net.get_layer(name) for net in nets)
    calls = {}
    for number, (layer, like) in enumerate(
        [(dense, dense), (small, small), (fast, small)]
    ):
        (shape, *_) = model_graph.built_on(like)
        x = timer.sample((batch, *shape[1:]))
        calls[number, "layer"] = backend.repeated(layer, x, _REPEATS)
        calls[number, "nothing"] = backend.repeated(lambda x: x, x, _REPEATS)
    times = timer.least(calls, rounds)
    return [
        max(times[number, "layer"] - times[number, "nothing"], 1e-6) / _REPEATS
        for number in range(len(nets))
    ]


def _layer_row(name, kernel, times, run):
    dense, small, fast = times
    return (
        name,
        kernel,
        f"{dense:.4f}",
        f"{small:.4f}",
        f"{dense / small:.2f}x",
        f"{fast:.4f}",
        f"{dense / fast:.2f}x",
        run,
    )
