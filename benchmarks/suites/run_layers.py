"""How much faster a run's model is than the dense net, layer by layer."""

from __future__ import annotations

import pathlib

from benchmarks.harness import inprocess
from benchmarks.harness import report
from experiments import workdir
from tfprune import applications
from tfprune import backend
from tfprune.compress.sparse import sparsify
from tfprune.exporters import compact
from tfprune.graph import model_graph
from tfprune.profiling import timer

_REPEATS = 8
_HEADER = (
    *("", "kernel", "dense ms", "model ms", "faster", "sparsified ms"),
    *("faster", "runs"),
)


def main(flags) -> str:
    """Returns the results of a command line."""
    return run(flags.workdir, flags.batch, flags.threads, flags.rounds)


def run(path, batch: int, threads: int, rounds: int) -> str:
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
    small = compact.load(pathlib.Path(path) / "model.npz")
    found = sparsify.sparsify(small, batch)
    nets = [applications.build(config.model, 0), small, found.model]
    runs = {decision.layer: decision.chosen for decision in found.decisions}
    rows = [
        _row(name, _kernel(small, name), _layer(nets, name, batch, rounds), run)
        for name, run in runs.items()
    ]
    whole = timer.models(dict(enumerate(nets)), batch, rounds)
    rows.append(_row("whole model", "", list(whole.values()), ""))
    about = (
        f"{config.name}: batch {batch}, {threads} thread(s) in TensorFlow, "
        f"{rounds} rounds.\n\n    python scripts/benchmark.py run_layers "
        f"--workdir={path} --batch={batch} --threads={threads}\n\n"
    )
    return about + report.table([_HEADER, *rows])


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


def _row(name, kernel, times, run):
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
