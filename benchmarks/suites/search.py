"""Searches compared: the same nets, bounds and evaluations."""

from __future__ import annotations

import statistics

import keras
import numpy as np

from benchmarks.harness import report
from benchmarks.suites import search_speed
from experiments.datasets import mnist
from experiments.plots import canvas
from tfprune import api
from tfprune import applications
from tfprune import methods
from tfprune import optimizers
from tfprune import search

NET, EXAMPLES = "lenet_300_100", 2000
SEEDS = range(5)
EVALUATIONS = 1600
DELTA = 0.02
_LOWER, _UPPER, _SIGMA, _POPULATION = 0.0, 10.0, 5.0, 10
_NAMES = {
    "ncs": "NCS",
    "sampling": "sampling, as OLMP's code",
    "cma": "CMA-ES",
}


def main(flags) -> str:
    """Returns the results of a command line."""
    speed = search_speed.run(flags.rounds, *build(seed=0))
    return f"{speed}\n{run(flags.plot)}"


def run(plot: str | None = None, seeds=SEEDS, nets=None, **changes) -> str:
    """Lets every searcher prune the same trained nets.

    Args:
        plot: File for a plot, or None (default).
        seeds: Iterable of integers, of nets and searches. Defaults to five.
        nets: Callable, seed to what `build` returns, or None
            (default): that.
        **changes: `delta` or `evaluations`.

    Returns:
        The results as Markdown.
    """
    found = {name: [] for name in _NAMES}
    for seed in seeds:
        net = (nets or build)(seed)
        for name in found:
            found[name].append(best_so_far(name, *net, seed, **changes))
    if plot:
        draw(found, plot)
    return _heading(len(found["ncs"]), **changes) + table(found)


def build(seed: int, data=None, steps: int = 2000) -> tuple:
    """Returns a trained net with OLMP and no weight masked yet, and data.

    Args:
        seed: Integer, of the net's first weights.
        data: `mnist.Splits`, of which the validation images are for searches;
            or None (default): MNIST, the last 2000 training images held out.
        steps: Integer, batches of 64 to train on. Defaults to 2000.
    """
    splits = data or mnist.load(validation=EXAMPLES)
    keras.utils.set_random_seed(seed)
    dense = applications.build(NET, seed)
    dense.compile(keras.optimizers.Adam(1e-3), _loss())
    images, labels = splits.train
    dense.fit(images[: 64 * steps], labels[: 64 * steps], 64, verbose=0)
    model = api.prune(dense, methods.OLMP())
    model.compile(
        optimizers.PruningOptimizer("sgd"), _loss(), metrics=["accuracy"]
    )
    held_out = splits.validation
    return model, (held_out.images.astype(np.float32), held_out.labels)


def best_so_far(
    name: str,
    model,
    data,
    seed: int,
    delta: float = DELTA,
    evaluations: int = EVALUATIONS,
) -> np.ndarray:
    """Returns the least part of weights kept, after each evaluation."""
    problem = search.Problem(model, data, delta)
    count = len(problem.layers)
    searcher = search.build(
        name,
        problem.incumbent,
        [_LOWER] * count,
        [_UPPER] * count,
        sigma=_SIGMA,
        population=_POPULATION,
        evaluations=evaluations,
        seed=seed,
    )
    values = []
    while not searcher.done:
        told = [x.value for x in problem.evaluate(searcher.ask())]
        searcher.tell(told)
        values += told
    return np.minimum.accumulate(np.minimum(values, 1.0))


def table(found: dict[str, list]) -> str:
    """Returns what each searcher keeps, over seeds, as Markdown."""
    header = ("search", "kept, median", "least", "greatest", "of each seed")
    rows = [header]
    for name, runs in found.items():
        last = [run[-1] for run in runs]
        numbers = statistics.median(last), min(last), max(last)
        each = ", ".join(f"{x:.2%}" for x in last)
        rows.append((_NAMES[name], *(f"{x:.2%}" for x in numbers), each))
    return report.table(rows)


def draw(found: dict[str, list], path: str) -> None:
    """Draws the median of the best so far, and the range, of each search."""
    figure = canvas.figure(6, 4)
    axes = figure.subplots()
    for (name, runs), colour in zip(
        found.items(), canvas.COLOURS, strict=False
    ):
        runs = np.stack(runs)
        places = np.arange(runs.shape[1])
        axes.plot(
            places, np.median(runs, axis=0), color=colour, label=_NAMES[name]
        )
        axes.fill_between(
            places, runs.min(0), runs.max(0), color=colour, alpha=0.15, lw=0
        )
    axes.set_yscale("log")
    axes.set_xlabel("evaluation")
    axes.set_ylabel("weights kept, of all: median and range")
    axes.legend(frameon=False)
    canvas.clean(axes, "top", "right")
    figure.savefig(path)


def _heading(seeds, delta=DELTA, evaluations=EVALUATIONS):
    return (
        f"One search over the thresholds of {NET}, just "
        f"trained: {seeds} nets, {evaluations} evaluations each, delta "
        f"{delta:.0%} on {EXAMPLES}\nimages held out, from "
        f"c = 0.001 within [{_LOWER:.0f}, {_UPPER:.0f}], sigma "
        f"{_SIGMA:.0f}, population {_POPULATION}.\n\n"
    )


def _loss():
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
