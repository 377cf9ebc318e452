"""A plot of where the time of a dense net goes when it becomes sparse."""

from __future__ import annotations

import os

from benchmarks import kinds
from tfprune.reports import canvas

_COLOURS = dict(
    zip(
        (
            kinds.LARGE,
            kinds.POINTWISE,
            kinds.PRODUCT,
            kinds.FIRST,
            kinds.DEPTHWISE,
            kinds.POOLING,
        ),
        canvas.COLOURS,
        strict=True,
    )
)


def draw(found: list[kinds.Kind], title: str, path: str | os.PathLike) -> None:
    """Draws what each kind of layer saves, between the times before and after.

    Args:
        found: List of `kinds.Kind`.
        title: String.
        path: Where to write. The ending names the format, such as `.png`.

    Raises:
        ImportError: without matplotlib.
    """
    figure = canvas.figure(9, 4.5)
    axes, whole = figure.add_subplot(), sum(kind.dense for kind in found)
    _stack(axes, 0, [(kind.name, kind.dense / whole) for kind in found])
    level = 1.0
    for place, kind in enumerate(found, 1):
        change = (kind.mixed - kind.dense) / whole
        _bar(axes, place, kind.name, level, change)
        above = max(level, level + change)
        axes.text(place, above, f"{change:+.1%}", ha="center", va="bottom")
        level += change
    end = len(found) + 1
    _stack(axes, end, [(kind.name, kind.mixed / whole) for kind in found])
    names = ["dense", *(kind.name for kind in found), "mixed"]
    axes.set_xticks(range(end + 1), names, rotation=20, ha="right")
    axes.set_title(title, loc="left", color=canvas.INK, pad=18)
    canvas.percent(axes.yaxis, "of the dense net's time")
    canvas.clean(axes, "top", "right")
    figure.savefig(path)


def _stack(axes, place, parts):
    bottom = 0.0
    for name, height in parts:
        _bar(axes, place, name, bottom, height)
        bottom += height


def _bar(axes, place, name, bottom, height):
    colour = _COLOURS.get(name, canvas.GREY)
    axes.bar(place, height, bottom=bottom, color=colour, width=0.7)
