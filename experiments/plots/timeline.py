"""Timeline: one training run, stage after stage, as lines on axes.

A run is the list of records of one seed, as `plots` takes them.
"""

from __future__ import annotations

import math

from experiments.plots import canvas

_STYLES = ("-", "--", ":")


def by_seed(records: list[dict]) -> list[list[dict]]:
    """Returns one run for each seed."""
    runs = {}
    for record in records:
        runs.setdefault(record.get("seed"), []).append(record)
    return list(runs.values())


def draw(left, right, run: list[dict], alpha: float) -> None:
    """Draws accuracy on the left axes, each layer's sparsity on the right."""
    line = {"alpha": alpha, "clip_on": False}
    accuracies = [record["accuracy"] for record in run]
    left.plot(_steps(run), accuracies, color=canvas.GREY, lw=1.5, **line)
    for index, name in enumerate(_layers(run)):
        found = [record.get("layers", {}) for record in run]
        values = [layers.get(name, math.nan) for layers in found]
        right.plot(_steps(run), values, lw=2, **_look(index), **line)


def mark_stages(axes, run: list[dict]) -> None:
    """Draws a line where a stage begins, and its name above the axes."""
    for begin, name in _stages(run):
        if begin:
            axes.axvline(begin, color=canvas.GREY, lw=0.8, zorder=0)
        axes.annotate(
            name,
            (begin, 1.0),
            (3, 4),
            xycoords=axes.get_xaxis_transform(),
            textcoords="offset points",
            color=canvas.INK,
        )


def label_ends(axes, run: list[dict]) -> None:
    """Names each line at its end, with the last value."""
    last, names = run[-1]["layers"], _layers(run)
    order = sorted(last, key=last.get)
    heights = _apart([last[name] for name in order], 0.055)
    for name, height in zip(order, heights, strict=True):
        axes.annotate(
            f"{name}  {last[name]:.1%}",
            (_steps(run)[-1], height),
            (58, 0),
            textcoords="offset points",
            color=_look(names.index(name))["color"],
            va="center",
            annotation_clip=False,
        )


def _steps(run):
    """Returns steps since the first stage began."""
    steps, before, last = [], 0, None
    for record in run:
        if last is not None and record["stage"] != last["stage"]:
            before += last["step"]
        steps.append(before + record["step"])
        last = record
    return steps


def _stages(run):
    """Returns (step where it begins, name) of each stage."""
    steps, stages, name = [0, *_steps(run)], [], None
    for before, record in zip(steps, run, strict=False):
        if record["stage"] != name:
            name = record["stage"]
            stages.append((before, str(name)))
    return stages


def _layers(run):
    """Returns the names of all layers, in order."""
    names = [name for record in run for name in record.get("layers", ())]
    return list(dict.fromkeys(names))


def _look(index):
    rows, column = divmod(index, len(canvas.COLOURS))
    style = _STYLES[rows % len(_STYLES)]
    return {"color": canvas.COLOURS[column], "linestyle": style}


def _apart(heights, gap):
    """Moves sorted heights up to keep the gap, then down below 1."""
    placed, count = [], len(heights)
    for height in heights:
        placed.append(max(height, placed[-1] + gap) if placed else height)
    ceilings = [1.0 - gap * (count - 1 - rank) for rank in range(count)]
    return list(map(min, placed, ceilings))
