"""Sparse kernels beside dense ones and beside other engines, layer by layer."""

from __future__ import annotations

import pathlib
import sys
import tempfile
import typing

import tensorflow as tf

from benchmarks import break_even
from benchmarks import contest
from benchmarks import engines
from benchmarks import kernels_table
from benchmarks import problems
from benchmarks import shapes
from tfprune import ops
from tfprune.ops import library
from tfprune.profiling import calibrate
from tfprune.utils import validation

_ROOT = pathlib.Path(__file__).parents[3]
FOLDER = _ROOT / "custom_ops/benchmarks/shapes"
REPEATS = 10  # In a row.


class Setup(typing.NamedTuple):
    """What is measured.

    Args:
        sparsities: Tuple of floats.
        batch: Integer. Defaults to 1.
        threads: Integer, of each engine. Defaults to 1.
        pattern: String, part of the names of the layers. Defaults to all.
    """

    sparsities: tuple
    batch: int = 1
    threads: int = 1
    pattern: str = ""


def run(
    setup: Setup,
    environments: engines.Environments,
    rounds: int,
    plot: str | None = None,
) -> str:
    """Measures the layers of the shape files.

    Args:
        setup: `Setup`.
        environments: `engines.Environments`.
        rounds: Integer, runs of each engine on each layer.
        plot: File to draw the ratios over sparsity to, or None (default).

    Returns:
        The results as Markdown.
    """
    if library.load().ops is None:
        raise ValueError(
            f"`kernels` needs the compiled ops. Received: {ops.describe()}"
        )
    for sparsity in setup.sparsities:
        known = not isinstance(sparsity, str) and 0 < sparsity < 1
        validation.check(
            "sparsities", sparsity, known, "numbers between 0 and 1"
        )
    measured = layers(setup.pattern)
    tf.config.threading.set_intra_op_parallelism_threads(setup.threads)
    machine = calibrate.calibrate()
    rows = []
    with environments.running(setup.threads) as servers:
        for layer in measured:
            print(layer.name, file=sys.stderr, flush=True)
            for sparsity, times in _measure(layer, setup, servers, rounds):
                problem = problems.Problem(layer, sparsity, setup.batch)
                rows.append(
                    kernels_table.Row(problem, times, machine, setup.threads)
                )
    if plot:
        break_even.draw(rows, plot)
    return kernels_table.markdown(rows, setup)


def layers(pattern: str) -> list:
    """Returns the layers whose names contain a pattern."""
    found = [
        *shapes.read(FOLDER / "convolutions.txt", shapes.Convolution),
        *shapes.read(FOLDER / "products.txt", shapes.Product),
    ]
    chosen = [layer for layer in found if pattern in layer.name]
    names = ", ".join(layer.name for layer in found)
    validation.check("layers", pattern, chosen, f"part of one of: {names}")
    return chosen


def _measure(layer, setup, servers, rounds):
    """Yields each sparsity, and the times of its engines."""
    with tempfile.TemporaryDirectory() as folder:
        entries = []
        for sparsity in (0.0, *setup.sparsities):
            problem = problems.Problem(layer, sparsity, setup.batch)
            path = pathlib.Path(folder, f"{sparsity}.npz")
            problems.write(problem, path)
            entries.append(contest.Entry(sparsity, path, sparsity > 0))
        times = contest.hold(servers, entries, rounds, REPEATS)
    for sparsity in setup.sparsities:
        yield sparsity, {**times[0.0], **times[sparsity]}
