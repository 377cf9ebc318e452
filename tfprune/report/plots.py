"""Plots: how sparsity grew while the net learned, and where it is."""

from __future__ import annotations

import importlib
import os
import typing

# Okabe and Ito: colours that colour-blind readers tell apart.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_STYLES = ("-", "--", ":")
_INK, _GREY = "#222222", "#777777"


def accuracy_and_sparsity(
    records: list[dict[str, typing.Any]], path: str | os.PathLike
) -> None:
    """Draws accuracy, on the left axis, and sparsity by layer, on the right.

    The steps of a stage follow those of the stage before. Of several seeds
    the first is drawn in full and the others faintly.

    Args:
        records: List of dicts, one for each logged interval, in order: seed,
            stage, step (within the stage), accuracy (of training, in the
            interval), sparsity (of the net), layers (name to sparsity).
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
    _check("records", records)
    figure = _figure(9, 4.5)
    left = figure.add_subplot()
    right = left.twinx()
    runs = _by_seed(records)
    for seed, run in enumerate(runs):
        _draw_run(left, right, run, alpha=0.25 if seed else 1.0)
    _mark_stages(left, runs[0])
    _label_ends(right, runs[0])
    _percent(left.yaxis, "training accuracy")
    left.yaxis.label.set_color(_GREY)
    left.set_ylim(top=1.0)
    _percent(right.yaxis, "sparsity by layer")
    right.set_ylim(-0.03, 1.0)
    left.set_xlabel("step")
    left.margins(x=0)
    _clean(left, "top", "right")
    _clean(right, "top", "left", "right")
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
    _check("report", layers)
    figure = _figure(8, 1.2 + 0.42 * len(layers))
    axes = figure.add_subplot()
    names = [layer["name"] for layer in layers]
    sparsities = [layer["weight_sparsity"] for layer in layers]
    axes.barh(range(len(layers)), [1.0] * len(layers), color="#EEEEEE")
    axes.barh(range(len(layers)), sparsities, color=_COLOURS[0])
    axes.set_yticks(range(len(layers)), names)
    axes.invert_yaxis()
    for row, layer in enumerate(layers):
        axes.text(1.02, row, _kept(layer), va="center", color=_INK)
    axes.set_title(report["title"], loc="left", color=_INK)
    _percent(axes.xaxis, "weight sparsity")
    axes.set_xlim(0, 1)
    _clean(axes, "top", "right", "left", "bottom")
    figure.savefig(path)


def _draw_run(left, right, run, alpha):
    steps = _steps(run)
    accuracies = [record["accuracy"] for record in run]
    left.plot(
        steps, accuracies, color=_GREY, alpha=alpha, lw=1.5, clip_on=False
    )
    for index, name in enumerate(_layers(run)):
        sparsities = [record["layers"].get(name) for record in run]
        right.plot(
            steps,
            [float("nan") if s is None else s for s in sparsities],
            _STYLES[index // len(_COLOURS) % len(_STYLES)],
            color=_COLOURS[index % len(_COLOURS)],
            alpha=alpha,
            lw=2,
            clip_on=False,
        )


def _mark_stages(axes, run):
    """Draws a line where a stage begins, and its name above the axes."""
    steps = _steps(run)
    for index, record in enumerate(run):
        before = run[index - 1]["stage"] if index else None
        if record["stage"] == before:
            continue
        begin = steps[index - 1] if index else 0
        if index:
            axes.axvline(begin, color=_GREY, lw=0.8, zorder=0)
        axes.annotate(
            str(record["stage"]),
            (begin, 1.0),
            (3, 4),
            xycoords=axes.get_xaxis_transform(),
            textcoords="offset points",
            color=_INK,
        )


def _label_ends(axes, run):
    """Names each line at its end, apart enough to be read."""
    last, end = run[-1]["layers"], _steps(run)[-1]
    order = sorted(_layers(run), key=lambda name: last.get(name, 0.0))
    heights = _apart([last.get(name, 0.0) for name in order], 0.055)
    for name, height in zip(order, heights, strict=True):
        colour = _COLOURS[_layers(run).index(name) % len(_COLOURS)]
        axes.annotate(
            f"{name}  {last.get(name, 0.0):.1%}",
            (end, height),
            (42, 0),
            textcoords="offset points",
            color=colour,
            va="center",
            annotation_clip=False,
        )


def _apart(heights, gap):
    """Moves sorted heights up to keep the gap, then down below 1."""
    placed, count = [], len(heights)
    for height in heights:
        placed.append(max(height, placed[-1] + gap) if placed else height)
    ceilings = [1.0 - gap * (count - 1 - rank) for rank in range(count)]
    return list(map(min, placed, ceilings))


def _by_seed(records):
    """Returns one list of records for each seed."""
    runs = {}
    for record in records:
        runs.setdefault(record.get("seed"), []).append(record)
    return list(runs.values())


def _steps(run):
    """Returns steps since the first stage began."""
    steps, before, last = [], 0, None
    for record in run:
        if last is not None and record["stage"] != last["stage"]:
            before += last["step"]
        steps.append(before + record["step"])
        last = record
    return steps


def _layers(run):
    """Returns the names of all layers, in order."""
    names = [name for record in run for name in record["layers"]]
    return list(dict.fromkeys(names))


def _kept(layer):
    kept, parameters = layer["parameters_kept"], layer["parameters"]
    return f"{kept:,} of {parameters:,} kept"


def _percent(axis, label):
    """Labels an axis of fractions."""
    form = _matplotlib("ticker").PercentFormatter(1.0, decimals=0)
    axis.set_major_formatter(form)
    axis.set_label_text(label)


def _clean(axes, *sides):
    """Takes away lines that say nothing."""
    axes.spines[list(sides)].set_visible(False)
    axes.tick_params(length=0, colors=_INK)


def _figure(width, height):
    figure = _matplotlib("figure").Figure
    return figure((width, height), dpi=150, layout="constrained")


def _matplotlib(module):
    try:
        return importlib.import_module(f"matplotlib.{module}")
    except ImportError as error:
        raise ImportError(
            "Plots need matplotlib: pip install 'tfprune[plots]'"
        ) from error


def _check(name, value):
    if not value:
        raise ValueError(
            f"`{name}` must have at least one entry to draw. Received none."
        )
