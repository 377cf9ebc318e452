"""Sparse kernels beside dense ones and beside other engines, layer by layer."""

from __future__ import annotations

import pathlib
import sys
import tempfile
import typing

from benchmarks.cases import layers as layer_cases
from benchmarks.cases import shapes
from benchmarks.engines import client
from benchmarks.harness import compare
from benchmarks.harness import inprocess
from benchmarks.suites import kernels_table
from tfprune import ops
from tfprune.ops import library
from tfprune.profiling import calibration
from tfprune.utils import validation

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


def main(flags) -> str:
    """Returns the results of a command line."""
    setup = Setup(flags.sparsities, flags.batch, flags.threads, flags.layers)
    environments = client.Environments(flags.engines, flags.deepsparse)
    return run(setup, environments, flags.rounds, flags.plot)


def run(
    setup: Setup,
    environments: client.Environments,
    rounds: int,
    plot: str | None = None,
) -> str:
    """Measures the layers of the shape files.

    Args:
        setup: `Setup`.
        environments: `client.Environments`.
        rounds: Integer, runs of each engine on each layer.
        plot: File to draw the ratios over sparsity to, or None (default).

    Returns:
        The results as Markdown.

    Raises:
        ValueError: without the compiled ops, or for a sparsity or pattern
            that nothing has.
    """
    check_ops("kernels")
    check_sparsities(setup.sparsities)
    measured = layers(setup.pattern)
    inprocess.set_threads(setup.threads)
    machine = calibration.calibrate()
    rows = []
    with environments.running(setup.threads) as servers:
        for layer in measured:
            print(layer.name, file=sys.stderr, flush=True)
            for sparsity, times in _measure(layer, setup, servers, rounds):
                problem = layer_cases.Problem(layer, sparsity, setup.batch)
                rows.append(
                    kernels_table.Row(problem, times, machine, setup.threads)
                )
    if plot:
        kernels_table.draw(rows, plot)
    return kernels_table.markdown(rows, setup)


def check_ops(suite: str) -> None:
    """Raises unless there are the compiled ops, which a suite measures."""
    if library.load().ops is None:
        raise ValueError(
            f"`{suite}` needs the compiled ops. Received: {ops.describe()}"
        )


def check_sparsities(sparsities: tuple) -> None:
    """Raises unless all are numbers between 0 and 1."""
    for sparsity in sparsities:
        known = not isinstance(sparsity, str) and 0 < sparsity < 1
        validation.check(
            "sparsities", sparsity, known, "numbers between 0 and 1"
        )


def layers(pattern: str) -> list:
    """Returns the layers whose names contain a pattern."""
    found = [
        *shapes.read(shapes.FOLDER / "convolutions.txt", shapes.Convolution),
        *shapes.read(shapes.FOLDER / "products.txt", shapes.Product),
    ]
    return shapes.named(found, pattern)


def measure(problems: dict, servers: list, rounds: int) -> dict:
    """Lets all engines that have something for a problem run it in turn.

    Args:
        problems: Dict, name to a `cases.layers.Problem`.
        servers: List of `client.Server`.
        rounds: Integer.

    Returns:
        Dict, as `compare.measure` returns it.
    """
    with tempfile.TemporaryDirectory() as folder:
        entries = []
        for number, (name, problem) in enumerate(problems.items()):
            path = pathlib.Path(folder, f"{number}.npz")
            layer_cases.write(problem, path)
            entries.append(compare.Entry(name, path, problem.sparsity > 0))
        return compare.measure(servers, entries, rounds, REPEATS)


def _measure(layer, setup, servers, rounds):
    """Yields each sparsity, and the times of its engines."""
    problems = {
        sparsity: layer_cases.Problem(layer, sparsity, setup.batch)
        for sparsity in (0.0, *setup.sparsities)
    }
    times = measure(problems, servers, rounds)
    for sparsity in setup.sparsities:
        yield sparsity, {**times[0.0], **times[sparsity]}
