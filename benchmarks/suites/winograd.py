"""Convolutions in the Winograd domain beside direct sparse and dense ones."""

from __future__ import annotations

import statistics
import sys

import tensorflow as tf

from benchmarks.cases import layers as layer_cases
from benchmarks.cases import shapes
from benchmarks.engines import client
from benchmarks.harness import compare
from benchmarks.harness import inprocess
from benchmarks.harness import report
from benchmarks.suites import kernels
from benchmarks.suites import kernels_table
from tfprune.profiling import calibration

_DIRECT, _TRANSFORMS = "direct sparse", "transforms"
_BASELINES = {
    "x TensorFlow": compare.TENSORFLOW,
    "x best dense": compare.DENSE,
    "x direct sparse": [_DIRECT],
}
_HEADER = (
    *("layer", "sparsity", "dense-equivalent GFLOPS", *_BASELINES),
    *("transforms", "of FMA floor", "of memory floor", "error"),
)


def main(flags) -> str:
    """Returns the results of a command line."""
    setup = kernels.Setup(
        flags.sparsities, flags.batch, flags.threads, flags.layers
    )
    environments = client.Environments(flags.engines, flags.deepsparse)
    return run(setup, environments, flags.rounds)


def run(
    setup: kernels.Setup, environments: client.Environments, rounds: int
) -> str:
    """Measures the convolutions of the shape files that have a Winograd form.

    Coefficients and weights are zero where they fall, equally many of them: a
    net that is pruned in one domain is as sparse in that domain only.

    Args:
        setup: `kernels.Setup`.
        environments: `client.Environments`.
        rounds: Integer, runs of each engine on each layer.

    Returns:
        The results as Markdown.
    """
    kernels.check_ops("winograd")
    kernels.check_sparsities(setup.sparsities)
    found = layers(setup.pattern)
    inprocess.set_threads(setup.threads)
    machine = calibration.calibrate()
    rows = []
    with environments.running(setup.threads) as servers:
        chosen = (*compare.DENSE, client.OURS)
        servers = [x for x in servers if x.engine.name in chosen]
        for layer in found:
            print(layer.name, file=sys.stderr, flush=True)
            for sparsity, times in _measure(layer, setup, servers, rounds):
                problem = layer_cases.WinogradProblem(
                    layer, sparsity, setup.batch
                )
                rows.append(Row(problem, times, machine))
    return f"{_heading(rows, setup)}\n\n{report.table(_lines(rows, setup))}"


def layers(pattern: str) -> list:
    """Returns the layers with a Winograd form whose names have a pattern."""
    files = ("convolutions.txt", "winograd.txt")
    every = [
        layer
        for file in files
        for layer in shapes.read(shapes.FOLDER / file, shapes.Convolution)
        if layer.kernel in (3, 5) and layer.stride == 1
    ]
    return shapes.named(every, pattern)


class Row(kernels_table.Row):
    """A layer at one sparsity, with a `WinogradProblem`."""

    def cells(self) -> tuple:
        """Returns the line of the table."""
        problem = self.problem
        direct = layer_cases.Problem(problem.layer, 0.0, problem.batch)
        return (
            problem.layer.name,
            f"{problem.sparsity:.0%}",
            f"{direct.flops / self.seconds / 1e9:.0f}",
            *(self._against(names) for names in _BASELINES.values()),
            f"{self._transforms():.0%}",
            f"{self.of_arithmetic:.0%}",
            f"{self.of_memory:.0%}",
            f"{problem.error():.1e}",
        )

    def _transforms(self):
        # Of medians: less an empty loop, the least may be nothing at all.
        without, whole = (
            statistics.median(self.times[name])
            for name in (_TRANSFORMS, client.OURS)
        )
        return without / whole

    def _against(self, names):
        best = self.best(names) if names == compare.DENSE else ""
        return f"{self.ratios(names)} {best}".rstrip()


def _measure(layer, setup, servers, rounds):
    """Yields each sparsity, and the times of all at it."""
    sparsities = setup.sparsities
    direct = {s: layer_cases.Problem(layer, s, setup.batch) for s in sparsities}
    own = {
        s: layer_cases.WinogradProblem(layer, s, setup.batch)
        for s in sparsities
    }
    todo = {
        "dense": layer_cases.Problem(layer, 0.0, setup.batch),
        _TRANSFORMS: layer_cases.WinogradProblem(layer, 1.0, setup.batch),
        **{(_DIRECT, s): problem for s, problem in direct.items()},
        **own,
    }
    times = kernels.measure(todo, servers, rounds)
    for sparsity in sparsities:
        yield (
            sparsity,
            {
                **times["dense"],
                client.OURS: times[sparsity][client.OURS],
                _DIRECT: times[_DIRECT, sparsity][client.OURS],
                _TRANSFORMS: times[_TRANSFORMS][client.OURS],
            },
        )


def _lines(rows, setup):
    """Returns the rows, and the geometric means at each sparsity."""
    lines = [_HEADER, *(row.cells() for row in rows)]
    for sparsity in setup.sparsities:
        some = [row for row in rows if row.problem.sparsity == sparsity]
        means = [_mean(some, names) for names in _BASELINES.values()]
        lines.append(("mean", f"{sparsity:.0%}", "", *means, *[""] * 4))
    return lines


def _mean(rows, names):
    least, median = (
        statistics.geometric_mean(row.ratio(names, kind) for row in rows)
        for kind in (min, statistics.median)
    )
    return f"{least:.2f} ({median:.2f})"


def _heading(rows, setup):
    machine, runs = rows[0].machine, len(rows[0].times[client.OURS])
    measured = {name for row in rows for name in row.times}
    return (
        f"Sparse Winograd convolutions: batch {setup.batch}, {setup.threads} "
        f"thread(s), random coefficients, float32.\nRatios of the least of "
        f"{runs} runs, in parentheses those of the medians; runs of "
        f"{kernels.REPEATS} in a row, engines in turn.\nAbove 1, the Winograd "
        "kernel is the faster one. Direct sparse: tfprune's kernel with as "
        "many weights zero.\nTransforms: the median time of a kernel without "
        "coefficients, on one thread, by that of the row.\nFMA floor: "
        "TensorFlow's product of large matrices, "
        f"{machine.flops / 1e9:.0f} GFLOPS, of the coefficients "
        f"that are kept; memory floor: its sum of 256 MB,\n"
        f"{machine.bandwidth / 1e9:.0f} GB/s, "
        f"{kernels_table.BYTES_OF_A_WEIGHT} bytes for one of them. Error: the "
        "greatest of an image, over its greatest output, beside double "
        "precision.\n"
        f"TensorFlow {tf.__version__}; measured: {', '.join(sorted(measured))}."
    )
