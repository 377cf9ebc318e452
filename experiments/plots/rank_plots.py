"""Plots of ranks: over the steps, by energy, and against accuracy."""

from __future__ import annotations

import os

import numpy as np

from experiments.plots import canvas


def rank_over_steps(
    records: dict[str, list[dict]], path: str | os.PathLike
) -> None:
    """Draws the rank of each layer over the steps, one panel for each layer.

    Args:
        records: Dict, label of a run to its list of dicts, each with `step`
            and `ranks`, layer name to rank; such as `RankClipping.history`.
        path: Where to write. The ending names the format, such as `.png`.

    Raises:
        ValueError: if there are no records.
        ImportError: without matplotlib.
    """
    layers = _names(x["ranks"] for run in records.values() for x in run)
    figure, panels = _panels("records", layers)
    for name, axes in panels.items():
        for number, (label, run) in enumerate(records.items()):
            pairs = [(x["step"], x["ranks"].get(name)) for x in run]
            axes.plot(*zip(*pairs, strict=True), **_look(number, label))
        _finish(axes, name, "step", "rank")
    figure.savefig(path)


def energy_spectra(
    spectra: dict[str, dict[str, np.ndarray]], path: str | os.PathLike
) -> None:
    """Draws the energy that each rank keeps, one panel for each layer.

    Args:
        spectra: Dict, label of a model to the `energies` of its
            `tfprune.compress.spectra`.
        path: Where to write. The ending names the format, such as `.png`.

    Raises:
        ValueError: if there are no layers.
        ImportError: without matplotlib.
    """
    figure, panels = _panels("spectra", _names(spectra.values()))
    for name, axes in panels.items():
        for number, (label, own) in enumerate(spectra.items()):
            if name in own:
                ranks = np.arange(1, len(own[name]) + 1)
                axes.plot(ranks, own[name], **_look(number, label))
        axes.set_ylim(0, 1.02)
        _finish(axes, name, "rank", "")
        canvas.percent(axes.yaxis, "energy")
    figure.savefig(path)


def accuracy_over_rank(sensitivity, path: str | os.PathLike) -> None:
    """Draws what each layer's rank costs in accuracy, by itself.

    Args:
        sensitivity: `tfprune.planning.RankSensitivity`.
        path: Where to write. The ending names the format, such as `.png`.

    Raises:
        ValueError: if there are no layers.
        ImportError: without matplotlib.
    """
    figure, panels = _panels("sensitivity", list(sensitivity.ranks))
    for name, axes in panels.items():
        values = sensitivity.accuracies[name]
        axes.plot(sensitivity.ranks[name], values, **_look(0, None))
        axes.axhline(sensitivity.dense, color=canvas.GREY, lw=0.8)
        _finish(axes, name, "rank", "")
        canvas.percent(axes.yaxis, "accuracy")
    figure.savefig(path)


def _names(found):
    """Returns all names in some dicts, each once, in order."""
    return list(dict.fromkeys(name for one in found for name in one))


def _panels(argument, layers):
    """Returns a figure, and dict, layer to axes, four in a row."""
    if not layers:
        raise ValueError(
            f"`{argument}` must have at least one layer to draw. Received: none"
        )
    columns = min(len(layers), 4)
    rows = -(-len(layers) // columns)
    figure = canvas.figure(3 * columns, 2.5 * rows)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for spare in axes[len(layers) :]:
        spare.set_visible(False)
    return figure, dict(zip(layers, axes, strict=False))


def _look(number, label):
    colour = canvas.COLOURS[number % len(canvas.COLOURS)]
    return {"color": colour, "label": label, "lw": 1.5}


def _finish(axes, title, x, y):
    axes.set_title(title, loc="left", color=canvas.INK)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    canvas.clean(axes, "top", "right")
    if len(axes.lines) > 1 and axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False)
