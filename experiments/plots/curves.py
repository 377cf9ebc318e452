"""Plots: how sparsity grew while the net learned, and where it is."""

from __future__ import annotations

import os
import typing

from experiments.plots import canvas
from experiments.plots import timeline


def accuracy_and_sparsity(
    records: list[dict[str, typing.Any]], path: str | os.PathLike
) -> None:
    """Draws accuracy, on the left axis, and sparsity by layer, on the right.

    The steps of a stage follow those of the stage before. Of several seeds
    the first is drawn in full and the others faintly.

    Args:
        records: List of dicts, one for each logged interval, in order: seed,
            stage, step (within the stage), accuracy (of training, in the
            interval, a fraction), layers (name to sparsity).
        path: Where to write. The ending names the format, such as `.png`.

    Raises:
        ValueError: if there are no records.
        ImportError: without matplotlib.

    Example:

    ```python
    lines = open("metrics.jsonl")
    accuracy_and_sparsity([json.loads(line) for line in lines], "log.png")
    ```
    """
    _check("records", "one record", records)
    figure = canvas.figure(9, 4.5)
    left = figure.add_subplot()
    right = left.twinx()
    runs = timeline.by_seed(records)
    for rank, run in enumerate(runs):
        timeline.draw(left, right, run, alpha=0.25 if rank else 1.0)
    timeline.mark_stages(left, runs[0])
    timeline.label_ends(right, runs[0])
    _label(left, right)
    figure.savefig(path)


def sparsity_per_layer(
    report: dict[str, typing.Any], path: str | os.PathLike
) -> None:
    """Draws the weight sparsity of each layer as a bar.

    Args:
        report: Dict, as `Report.to_dict` returns it.
        path: Where to write. The ending names the format, such as `.png`.

    Raises:
        ValueError: if the report has no layers with kernels.
        ImportError: without matplotlib.

    Example:

    ```python
    sparsity_per_layer(tfprune.report(model).to_dict(), "layers.png")
    ```
    """
    layers = [layer for layer in report["layers"] if layer["weights"]]
    _check("report", "one layer with a kernel", layers)
    figure = canvas.figure(8, 1.2 + 0.42 * len(layers))
    axes, rows = figure.add_subplot(), range(len(layers))
    axes.barh(rows, [1.0] * len(layers), color=canvas.PALE)
    sparsities = [layer["weight_sparsity"] for layer in layers]
    axes.barh(rows, sparsities, color=canvas.COLOURS[0])
    axes.set_yticks(rows, [layer["name"] for layer in layers])
    axes.invert_yaxis()
    for row, layer in enumerate(layers):
        axes.text(1.02, row, _kept(layer), va="center", color=canvas.INK)
    axes.set_title(report["title"], loc="left", color=canvas.INK)
    axes.set_xlim(0, 1)
    canvas.percent(axes.xaxis, "weight sparsity")
    canvas.clean(axes, "top", "right", "left", "bottom")
    figure.savefig(path)


def _check(name, expected, value):
    if not value:
        raise ValueError(
            f"`{name}` must have at least {expected} to draw. Received: none"
        )


def _label(left, right):
    left.set_xlabel("step")
    left.margins(x=0)
    left.set_ylim(top=1.0)
    right.set_ylim(-0.03, 1.0)
    canvas.percent(left.yaxis, "training accuracy")
    canvas.percent(right.yaxis, "sparsity by layer")
    left.yaxis.label.set_color(canvas.GREY)
    canvas.clean(left, "top", "right")
    canvas.clean(right, "top", "left", "right")


def _kept(layer):
    kept, parameters = layer["parameters_kept"], layer["parameters"]
    return f"{kept:,} of {parameters:,} kept"
