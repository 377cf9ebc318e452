"""Convolutions in the Winograd domain beside direct sparse and dense ones."""

from __future__ import annotations

import functools
import pathlib
import statistics
import sys
import tempfile

import numpy as np
import tensorflow as tf

from benchmarks import contest
from benchmarks import engines
from benchmarks import kernels
from benchmarks import kernels_table
from benchmarks import markdown
from benchmarks import problems
from benchmarks import rivals
from benchmarks import shapes
from tfprune import ops
from tfprune.numerics import winograd
from tfprune.numerics import winograd_convolution
from tfprune.ops import library
from tfprune.profiling import calibrate
from tfprune.utils import validation

_DIRECT, _TRANSFORMS = "direct sparse", "transforms"
_RIVALS = {
    "x TensorFlow": rivals.TENSORFLOW,
    "x best dense": rivals.DENSE,
    "x direct sparse": [_DIRECT],
}
_HEADER = (
    *("layer", "sparsity", "dense-equivalent GFLOPS", *_RIVALS),
    *("transforms", "of FMA floor", "of memory floor", "error"),
)


def run(
    setup: kernels.Setup, environments: engines.Environments, rounds: int
) -> str:
    """Measures the convolutions of the shape files that have a Winograd form.

    Coefficients and weights are zero where they fall, equally many of them: a
    net that is pruned in one domain is as sparse in that domain only.

    Args:
        setup: `kernels.Setup`.
        environments: `engines.Environments`.
        rounds: Integer, runs of each engine on each layer.

    Returns:
        The results as Markdown.
    """
    if library.load().ops is None:
        raise ValueError(
            f"`winograd` needs the compiled ops. Received: {ops.describe()}"
        )
    found = layers(setup.pattern)
    tf.config.threading.set_intra_op_parallelism_threads(setup.threads)
    machine = calibrate.calibrate()
    rows = []
    with environments.running(setup.threads) as servers:
        chosen = (*rivals.DENSE, engines.OURS)
        servers = [x for x in servers if x.engine.name in chosen]
        for layer in found:
            print(layer.name, file=sys.stderr, flush=True)
            for sparsity, times in _measure(layer, setup, servers, rounds):
                problem = WinogradProblem(layer, sparsity, setup.batch)
                rows.append(Row(problem, times, machine))
    return f"{_heading(rows, setup)}\n\n{markdown.table(_lines(rows, setup))}"


def layers(pattern: str) -> list:
    """Returns the layers with a Winograd form whose names have a pattern."""
    files = ("convolutions.txt", "winograd.txt")
    every = [
        layer
        for file in files
        for layer in shapes.read(kernels.FOLDER / file, shapes.Convolution)
        if layer.kernel in (3, 5) and layer.stride == 1
    ]
    chosen = [layer for layer in every if pattern in layer.name]
    names = ", ".join(layer.name for layer in every)
    validation.check("layers", pattern, chosen, f"part of one of: {names}")
    return chosen


class WinogradProblem(problems.Problem):
    """A convolution with sparse coefficients."""

    domain = "winograd"

    @functools.cached_property
    def coefficients(self):
        """Those of random filters, some of them zero."""
        layer, rng = self.layer, np.random.default_rng(0)
        size = (layer.kernel, layer.kernel, layer.channels // layer.groups)
        weights = rng.normal(size=(*size, layer.filters))
        u = np.array(winograd.coefficients(weights, layer.kernel))
        return (u * (rng.random(u.shape) >= self.sparsity)).astype("float32")

    @functools.cached_property
    def matrix(self):
        """A row of coefficients for each filter."""
        return self.coefficients.reshape(-1, self.layer.filters).T

    @property
    def weights(self) -> int:
        return self.coefficients.size

    @property
    def tiles(self) -> int:
        """Of all images."""
        height, _ = self.geometry.output_size(*[self.layer.size] * 2)
        return self.batch * winograd_convolution.tiles(height) ** 2

    @property
    def flops(self) -> int:
        """Of the products, if no coefficient were zero."""
        return 2 * self.tiles * self.weights

    def dense(self, x):
        """Returns the layer's output, by double precision."""
        return winograd_convolution.convolve(
            tf.cast(x, "float64"),
            tf.constant(self.coefficients, "float64"),
            self.layer.kernel,
            self.layer.padding.lower(),
            self.layer.groups,
        )

    def sparse(self, x):
        """Returns what the sparse layer gives."""
        return ops.sparse_winograd_conv2d(
            x,
            ops.Csr.from_dense(self.matrix),
            self.layer.kernel,
            self.layer.padding,
            self.layer.groups,
        )

    def error(self) -> float:
        """Returns the greatest error, over the greatest output."""
        x = self.x[:1]
        exact = self.dense(x).numpy()
        return float(
            np.abs(self.sparse(x).numpy() - exact).max() / np.abs(exact).max()
        )


class Row(kernels_table.Row):
    """A layer at one sparsity, with a `WinogradProblem`."""

    def cells(self) -> tuple:
        """Returns the line of the table."""
        problem = self.problem
        direct = problems.Problem(problem.layer, 0.0, problem.batch)
        return (
            problem.layer.name,
            f"{problem.sparsity:.0%}",
            f"{direct.flops / self.seconds / 1e9:.0f}",
            *(self._against(names) for names in _RIVALS.values()),
            f"{self._transforms():.0%}",
            f"{self.of_arithmetic:.0%}",
            f"{self.of_memory:.0%}",
            f"{problem.error():.1e}",
        )

    def _transforms(self):
        # Of medians: less an empty loop, the least may be nothing at all.
        without, whole = (
            statistics.median(self.times[name])
            for name in (_TRANSFORMS, engines.OURS)
        )
        return without / whole

    def _against(self, names):
        best = self.best(names) if names == rivals.DENSE else ""
        return f"{self.ratios(names)} {best}".rstrip()


def _measure(layer, setup, servers, rounds):
    """Yields each sparsity, and the times of all at it."""
    sparsities = setup.sparsities
    direct = {s: problems.Problem(layer, s, setup.batch) for s in sparsities}
    own = {s: WinogradProblem(layer, s, setup.batch) for s in sparsities}
    todo = {
        "dense": problems.Problem(layer, 0.0, setup.batch),
        _TRANSFORMS: WinogradProblem(layer, 1.0, setup.batch),
        **{(_DIRECT, s): problem for s, problem in direct.items()},
        **own,
    }
    times = _times(todo, servers, rounds)
    for sparsity in sparsities:
        yield (
            sparsity,
            {
                **times["dense"],
                engines.OURS: times[sparsity][engines.OURS],
                _DIRECT: times[_DIRECT, sparsity][engines.OURS],
                _TRANSFORMS: times[_TRANSFORMS][engines.OURS],
            },
        )


def _times(todo, servers, rounds):
    """Lets all engines that have something for a problem run it in turn."""
    with tempfile.TemporaryDirectory() as folder:
        entries = []
        for number, (name, problem) in enumerate(todo.items()):
            path = pathlib.Path(folder, f"{number}.npz")
            problems.write(problem, path)
            entries.append(contest.Entry(name, path, problem.sparsity > 0))
        return contest.hold(servers, entries, rounds, kernels.REPEATS)


def _lines(rows, setup):
    """Returns the rows, and the geometric means at each sparsity."""
    lines = [_HEADER, *(row.cells() for row in rows)]
    for sparsity in setup.sparsities:
        some = [row for row in rows if row.problem.sparsity == sparsity]
        means = [_mean(some, names) for names in _RIVALS.values()]
        lines.append(("mean", f"{sparsity:.0%}", "", *means, *[""] * 4))
    return lines


def _mean(rows, names):
    least, median = (
        statistics.geometric_mean(row.ratio(names, kind) for row in rows)
        for kind in (min, statistics.median)
    )
    return f"{least:.2f} ({median:.2f})"


def _heading(rows, setup):
    machine, runs = rows[0].machine, len(rows[0].times[engines.OURS])
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
