"""Plots of searches: accuracy by layer and sparsity, and how a search went."""

from __future__ import annotations

import math
import os

import numpy as np

from experiments.plots import canvas


def sensitivity(found, path: str | os.PathLike) -> None:
    """Draws accuracy over sparsity, one small panel for each layer.

    Args:
        found: `planning.Sensitivity`.
        path: Where to write. The ending names the format, such as `.png`.

    Raises:
        ImportError: without matplotlib.
    """
    columns = min(len(found.accuracies), 6)
    rows = math.ceil(len(found.accuracies) / columns)
    figure = canvas.figure(1.9 * columns + 0.6, 1.7 * rows + 0.3)
    panels = figure.subplots(
        rows, columns, sharex=True, sharey=True, squeeze=False
    ).flat
    for panel, (name, values) in zip(
        panels, found.accuracies.items(), strict=False
    ):
        panel.plot(found.sparsities, values, color=canvas.COLOURS[0])
        panel.set_title(name, loc="left", fontsize=8, color=canvas.INK)
        canvas.clean(panel, "top", "right")
    for panel in list(panels)[len(found.accuracies) :]:
        panel.set_visible(False)
    for panel in figure.axes[::columns]:
        canvas.percent(panel.yaxis, "accuracy")
    for panel in figure.axes[-columns:]:
        canvas.percent(panel.xaxis, "sparsity")
    figure.savefig(path)


def search(lines: list[dict], path: str | os.PathLike) -> None:
    """Draws a trace: every candidate, the best so far, the Pareto front.

    On the left is the value over evaluations, searches one after the other;
    on the right, accuracy over what is kept.

    Args:
        lines: List of dicts, as `search.trace.read` returns them.
        path: Where to write. The ending names the format, such as `.png`.

    Raises:
        ValueError: if there are no candidates.
        ImportError: without matplotlib.
    """
    tried = [line for line in lines if "candidate" in line]
    if not tried:
        raise ValueError(
            "`lines` must have at least one candidate to draw. Received: none"
        )
    figure = canvas.figure(9, 4)
    left, right = figure.subplots(1, 2)
    _draw_values(left, tried)
    _draw_front(right, tried)
    for axes in (left, right):
        canvas.clean(axes, "top", "right")
    figure.savefig(path)


def pareto(tried: list[dict]) -> list[dict]:
    """Returns the candidates that none beats in both kept and accuracy."""
    front, best = [], -np.inf
    for line in sorted(tried, key=lambda x: (x["kept"], -x["accuracy"])):
        if line["accuracy"] > best:
            front.append(line)
            best = line["accuracy"]
    return front


def _draw_values(axes, tried):
    steps = sorted({line["step"] for line in tried})
    begin = 0
    for step in steps:
        values = np.array([x["value"] for x in tried if x["step"] == step])
        places = begin + np.arange(values.size)
        inside = values <= 1
        axes.plot(
            places[inside], values[inside], ".", ms=2, color=canvas.COLOURS[5]
        )
        axes.plot(
            places,
            np.fmin.accumulate(np.where(inside, values, np.nan)),
            color=canvas.COLOURS[0],
        )
        begin += values.size
    axes.set_yscale("log")
    axes.set_xlabel("evaluation")
    axes.set_ylabel("cost, of the dense net's")


def _draw_front(axes, tried):
    axes.plot(
        [x["kept"] for x in tried],
        [x["accuracy"] for x in tried],
        ".",
        ms=2,
        color=canvas.GREY,
    )
    front = pareto(tried)
    axes.step(
        [x["kept"] for x in front],
        [x["accuracy"] for x in front],
        where="post",
        color=canvas.COLOURS[1],
    )
    axes.set_xscale("log")
    axes.set_xlabel("parameters kept")
    canvas.percent(axes.yaxis, "accuracy on held-out data")
