"""A plot of how much faster layers get with their sparsity."""

from __future__ import annotations

import itertools
import math
import os

from benchmarks import kernels_table
from benchmarks import rivals
from tfprune.reports import canvas

_COLUMNS = 7
_LINES = {
    "best dense engine": rivals.DENSE,
    "without Winograd": rivals.DIRECT,
}


def draw(rows: list, path: str | os.PathLike) -> None:
    """Draws the ratio to dense engines over sparsity, a panel for each layer.

    Args:
        rows: List of `kernels_table.Row`.
        path: Where to write. The ending names the format, such as `.png`.

    Raises:
        ImportError: without matplotlib.
    """
    lines = {
        label: kernels_table.speedups(rows, names)
        for label, names in _LINES.items()
    }
    layers = list(lines["best dense engine"])
    height = math.ceil(len(layers) / _COLUMNS)
    figure = canvas.figure(1.7 * _COLUMNS, 1.8 * height + 0.4)
    panels = figure.subplots(
        height, _COLUMNS, sharex=True, sharey=True, squeeze=False
    ).flat
    for layer, panel in itertools.zip_longest(layers, panels):
        if layer:
            _panel(panel, layer, lines)
        else:
            panel.set_visible(False)
    figure.axes[0].legend(fontsize=6, frameon=False)
    figure.supylabel("times as fast as dense", fontsize=9, color=canvas.INK)
    figure.savefig(path)


def _panel(panel, layer, lines):
    for (label, ratios), colour in zip(
        lines.items(), canvas.COLOURS, strict=False
    ):
        panel.plot(*zip(*ratios[layer].items(), strict=True), color=colour)
        panel.lines[-1].set_label(label)
    panel.axhline(1, color=canvas.GREY, linewidth=0.8)
    panel.set_yscale("log")
    panel.set_title(layer, loc="left", fontsize=7, color=canvas.INK)
    canvas.percent(panel.xaxis, "")
    canvas.clean(panel, "top", "right")
