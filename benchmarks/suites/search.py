"""Searches compared: the same nets, bounds and evaluations."""

from __future__ import annotations

import statistics

import numpy as np

from benchmarks.cases import search_net
from benchmarks.harness import report
from benchmarks.suites import search_speed
from tfprune import search
from tfprune.reports import canvas

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
    return f"{search_speed.run(flags.rounds)}\n{run(flags.plot)}"


def run(plot: str | None = None, seeds=SEEDS, nets=None, **changes) -> str:
    """Lets every searcher prune the same trained nets.

    Args:
        plot: File for a plot, or None (default).
        seeds: Iterable of integers, of nets and searches. Defaults to five.
        nets: Callable, seed to what `search_net.build` returns, or None
            (default): that.
        **changes: `delta` or `evaluations`.

    Returns:
        The results as Markdown.
    """
    found = {name: [] for name in _NAMES}
    for seed in seeds:
        net = (nets or search_net.build)(seed)
        for name in found:
            found[name].append(best_so_far(name, *net, seed, **changes))
    if plot:
        draw(found, plot)
    return _heading(len(found["ncs"]), **changes) + table(found)


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
    searcher = search.searcher(
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
        f"One search over the thresholds of {search_net.NET}, just "
        f"trained: {seeds} nets, {evaluations} evaluations each, delta "
        f"{delta:.0%} on {search_net.EXAMPLES}\nimages held out, from "
        f"c = 0.001 within [{_LOWER:.0f}, {_UPPER:.0f}], sigma "
        f"{_SIGMA:.0f}, population {_POPULATION}.\n\n"
    )
