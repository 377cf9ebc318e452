"""Convolutions in the Winograd domain beside direct and dense ones."""

from __future__ import annotations

import functools
import math
import typing

import numpy as np
import tensorflow as tf

from tfprune import backend
from tfprune import ops
from tfprune.compress import calibrate
from tfprune.compress import measure
from tfprune.core import part
from tfprune.core import winograd
from tfprune.core import winograd_convolution
from tfprune.experiments.benchmarks import kernels
from tfprune.experiments.benchmarks import markdown
from tfprune.experiments.benchmarks import problems
from tfprune.experiments.benchmarks import shapes
from tfprune.ops import library

_REPEATS = 4
_HEADER = (
    "layer",
    "sparsity",
    "ms",
    "x TensorFlow",
    "x direct sparse",
    "transforms",
    "of FMA floor",
    "of memory floor",
    "error",
)


def run(setup: kernels.Setup, rounds: int) -> str:
    """Measures the convolutions of the shape files that have a Winograd form.

    Coefficients and weights are zero where they fall, equally many of them: a
    net that is pruned in one domain is as sparse in that domain only.

    Args:
        setup: `kernels.Setup`.
        rounds: Integer, interleaved runs of each.

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
    rows = [
        _row(WinogradProblem(layer, sparsity, setup.batch), machine, rounds)
        for layer in found
        for sparsity in setup.sparsities
    ]
    return (
        f"Sparse Winograd convolutions: batch {setup.batch}, {setup.threads} "
        f"thread(s), random coefficients, float32.\nThe least of {rounds} "
        "interleaved runs; above 1, Winograd is the faster one. TensorFlow: "
        "its own dense convolution;\ndirect sparse: as many weights zero. "
        "Transforms: the part of the time that remains without any "
        "coefficients.\nFloors as in kernels.md, of the coefficients that are "
        "kept. Error: the greatest, over the greatest output,\nbeside double "
        f"precision.\n\n{markdown.table([_HEADER, *rows])}"
    )


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
    part.check("layers", pattern, chosen, f"part of one of: {names}")
    return chosen


class WinogradProblem(typing.NamedTuple):
    """A convolution with sparse coefficients.

    Args:
        layer: `shapes.Convolution`.
        sparsity: Float, of the coefficients.
        batch: Integer.
    """

    layer: shapes.Convolution
    sparsity: float
    batch: int

    @property
    def kernel(self):
        """Coefficients of random filters, some of them zero."""
        layer, rng = self.layer, np.random.default_rng(0)
        size = (layer.kernel, layer.kernel, layer.channels // layer.groups)
        weights = rng.normal(size=(*size, layer.filters))
        u = np.array(winograd.coefficients(weights, layer.kernel))
        return (u * (rng.random(u.shape) >= self.sparsity)).astype("float32")

    @property
    def tiles(self) -> int:
        """Of all images."""
        layer = self.layer
        size = winograd_convolution.output_size(
            layer.size, layer.kernel, layer.padding.lower()
        )
        return self.batch * winograd_convolution.tiles(size) ** 2

    def operation(self):
        """Returns the op as a function of the input."""
        layer, kernel = self.layer, self.kernel
        weights = ops.Csr.from_dense(kernel.reshape(-1, layer.filters).T)
        return functools.partial(
            ops.sparse_winograd_conv2d,
            weights=weights,
            kernel_size=layer.kernel,
            padding=layer.padding,
            groups=layer.groups,
        )

    def error(self, x) -> float:
        """Returns the greatest error, over the greatest output."""
        layer = self.layer
        exact = winograd_convolution.convolve(
            tf.cast(x, "float64"),
            tf.constant(self.kernel, "float64"),
            layer.kernel,
            layer.padding.lower(),
            layer.groups,
        )
        deviation = np.abs(self.operation()(x).numpy() - exact).max()
        return float(deviation / np.abs(exact).max())


def _row(problem, machine, rounds):
    layer, sparsity = problem.layer, problem.sparsity
    direct = problems.Problem(layer, sparsity, problem.batch)
    dense = problems.Problem(layer, 0.0, problem.batch)
    seconds = _seconds(
        {
            "own": problem.operation(),
            "transforms": problem._replace(sparsity=1.0).operation(),
            "direct": direct.sparse,
            "dense": dense.dense,
        },
        direct.x,
        rounds,
    )
    own = seconds["own"]
    kept = (1 - sparsity) * math.prod(problem.kernel.shape)
    moved = 6 * kept + 4 * (direct.x.size + direct.pixels * layer.filters)
    return (
        layer.name,
        f"{sparsity:.0%}",
        f"{1e3 * own:.3f}",
        f"{seconds['dense'] / own:.2f}",
        f"{seconds['direct'] / own:.2f}",
        f"{seconds['transforms'] / own:.0%}",
        f"{2 * kept * problem.tiles / machine.flops / own:.0%}",
        f"{moved / machine.bandwidth / own:.0%}",
        f"{problem.error(direct.x[:1]):.1e}",
    )


def _seconds(operations, x, rounds):
    """Returns the least seconds of operations, without those of a call."""
    calls = {
        name: backend.repeated(run, x, _REPEATS)
        for name, run in {"": lambda x: x, **operations}.items()
    }
    times = measure.least(calls, rounds)
    return {
        name: 1e-3 * max(times[name] - times[""], 1e-6) / _REPEATS
        for name in operations
    }
