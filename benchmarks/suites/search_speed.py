"""How many candidates a second are measured, and by whom."""

from __future__ import annotations

import contextlib
import importlib
import statistics

import keras
import numpy as np

from benchmarks.harness import interleave
from benchmarks.harness import report
from tfprune import api
from tfprune import backend
from tfprune.core import units
from tfprune.search import executors
from tfprune.search import problem as problem_lib

CANDIDATES = 20
WORKERS = (1, 2)
BY_HAND = interleave.BASELINE
FORWARD = "forward pass alone"
SERIAL = "tfprune, serial"
_HEADER = ("who", "candidates per second", "over by hand", "goal")
_GOALS = {SERIAL: 5.0}


def run(rounds: int, model: keras.Model, data: tuple) -> str:
    """Measures all executors beside masks set by hand.

    Args:
        rounds: Integer.
        model: Keras model, pruned by OLMP and compiled.
        data: Tuple of images and labels, which candidates are measured on.

    Returns:
        The results as Markdown.
    """
    problem = problem_lib.Problem(model, data, delta=1.0)
    random = np.random.default_rng(0)
    candidates = random.uniform(0, 3, (CANDIDATES, len(problem.layers)))
    with contextlib.ExitStack() as stack:
        calls = {
            BY_HAND: lambda: by_hand(model, data, candidates),
            FORWARD: _forward(model, data),
            SERIAL: lambda: problem.evaluate(candidates),
            **_pools(stack, problem, candidates),
        }
        for call in calls.values():
            call()
        times = interleave.measure(calls, rounds)
    return (
        f"Candidates of LeNet-300-100 on {len(data[1])} images, "
        f"{CANDIDATES} at a time. By hand: masks in NumPy,\n`set_mask`, "
        "`model.evaluate` in one batch. Interleaved, medians of "
        f"{rounds} rounds.\n\n{table(times)}"
    )


def table(times: dict[str, list[float]]) -> str:
    """Returns seconds of `CANDIDATES` candidates as a Markdown table."""
    rows = [_HEADER]
    for name, own in times.items():
        ratio = 1 / statistics.median(interleave.ratios(times, name))
        rate = CANDIDATES / statistics.median(own)
        goal = _GOALS.get(name)
        words = "met" if goal and ratio >= goal else "missed"
        rows.append(
            (
                "by hand" if name == BY_HAND else name,
                f"{rate:,.0f}",
                f"{ratio:.1f}",
                f">= {goal:.0f}: {words}" if goal else "",
            )
        )
    return report.table(rows)


def by_hand(model, data, candidates) -> list[float]:
    """Returns accuracies as one measures them without a `Problem`."""
    found, own = [], units.tagged(model.variables)
    for candidate in candidates:
        for unit, c in zip(own, candidate, strict=True):
            weights = [x.dense() for x in unit.targets]
            size = np.abs(np.concatenate([x.ravel() for x in weights]))
            size = size[size != 0]
            t = max(size.mean() + c * size.std(), 0)
            for target, x in zip(unit.targets, weights, strict=True):
                api.set_mask(model, unit.name, abs(x) > 0.9 * t, target.role)
        images, labels = data
        scores = model.evaluate(
            images, labels, len(labels), verbose=0, return_dict=True
        )
        found.append(scores["accuracy"])
    for unit in own:
        for target in unit.targets:
            whole = np.ones(target.mask.shape, bool)
            api.set_mask(model, unit.name, whole, target.role)
    return found


def _forward(model, data):
    """As many forward passes as there are candidates, and nothing else."""
    forward, images = backend.compiled(model), data[0]

    def call():
        for _ in range(CANDIDATES):
            outputs = forward(images)
        return np.array(outputs)

    return call


def _pools(stack, problem, candidates):
    """The executors of processes, and of Ray where it is there."""
    found = {}
    for name in ("processes", "ray") if _has_ray() else ("processes",):
        for workers in WORKERS:
            pool = stack.enter_context(executors.build(name, problem, workers))
            found[f"{name}, {workers}"] = lambda x=pool: x.evaluate(candidates)
    return found


def _has_ray():
    try:
        return bool(importlib.import_module("ray"))
    except ImportError:
        return False
