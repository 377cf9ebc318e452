"""Canvas: figures with little on them, and matplotlib only when needed."""

from __future__ import annotations

import importlib

# Okabe and Ito: colours that colour-blind readers tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
INK, GREY, PALE = "#222222", "#777777", "#EEEEEE"


def figure(width: float, height: float):
    """Returns an empty figure, sizes in inches, that no window shows."""
    new = _matplotlib("figure").Figure
    return new((width, height), dpi=150, layout="constrained")


def percent(axis, label: str) -> None:
    """Labels the axis of a fraction."""
    form = _matplotlib("ticker").PercentFormatter(1.0, decimals=0)
    axis.set_major_formatter(form)
    axis.set_label_text(label)


def clean(axes, *sides: str) -> None:
    """Takes away lines that say nothing."""
    axes.spines[list(sides)].set_visible(False)
    axes.tick_params(length=0, colors=INK)


def _matplotlib(module):
    try:
        return importlib.import_module(f"matplotlib.{module}")
    except ImportError as error:
        raise ImportError(
            "Plots need matplotlib: pip install 'tfprune[plots]'"
        ) from error
