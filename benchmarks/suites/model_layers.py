"""Where the time of a net goes: layer by layer and by types of layers."""

from __future__ import annotations

import os
import typing

from benchmarks.cases import models as model_cases
from benchmarks.harness import inprocess
from benchmarks.harness import report
from benchmarks.suites import layer_types
from experiments.plots import canvas
from tfprune.compress.sparse import sparsify

_HEADER = (
    "layer",
    "sparsity",
    "dense ms",
    "sparse ms",
    "dense GFLOPS",
    "GFLOPS",
    "dense-equivalent",
    "of dense time",
    "runs",
)
_BY_TYPE = ("type", "dense ms", "of it", "mixed ms", "of it", "x")
_COLOURS = dict(
    zip(
        (
            layer_types.LARGE,
            layer_types.POINTWISE,
            layer_types.PRODUCT,
            layer_types.FIRST,
            layer_types.DEPTHWISE,
            layer_types.POOLING,
        ),
        canvas.COLOURS,
        strict=True,
    )
)


class Setup(typing.NamedTuple):
    """What is measured.

    Args:
        name: String, key of `tfprune.applications.MODELS`, which is pruned at
            random, or a path of a `.keras` file, which is taken as it is.
        sparsity: As of `model_cases.pruned`.
        batch: Integer. Defaults to 1.
        threads: Integer. Defaults to 1.
    """

    name: str
    sparsity: float | str
    batch: int = 1
    threads: int = 1


def main(flags) -> str:
    """Returns the results of a command line."""
    setup = Setup(flags.model, flags.sparsity, flags.batch, flags.threads)
    return run(setup, flags.rounds, flags.plot)


def run(setup: Setup, rounds: int, plot: str | None = None) -> str:
    """Measures every layer of a model, as `sparsify` decides about it.

    Args:
        setup: `Setup`.
        rounds: Integer.
        plot: Path of a waterfall to draw, or None.

    Returns:
        The results as Markdown: layer by layer, and type by type.
    """
    model_cases.check(setup.name, setup.sparsity)
    inprocess.set_threads(setup.threads)
    model = model_cases.pruned(setup.name, setup.sparsity)
    found = sparsify.sparsify(model, setup.batch, rounds=rounds)
    spent = layer_types.measure(model, found, setup.batch, rounds)
    title = f"{setup.name}, batch {setup.batch}, {setup.threads} thread(s)"
    if plot:
        draw(spent, title, plot)
    return (
        f"{title}: the layers with zeros, one by one. The whole model,\n"
        f"as many times as fast as it was given: {_ratios(found)}.\n\n"
        f"{_layers(found)}\n"
        "All layers of a type, one by one. The rest is what is left of a call "
        "of the whole model:\nnormalizations, activations, additions, which "
        "mixed models have in their convolutions, and the call\nitself.\n\n"
        f"{_types(spent)}"
    )


def draw(
    found: list[layer_types.LayerType], title: str, path: str | os.PathLike
) -> None:
    """Draws what each type of layer saves, between the times before and after.

    Args:
        found: List of `layer_types.LayerType`.
        title: String.
        path: Where to write. The ending names the format, such as `.png`.

    Raises:
        ImportError: without matplotlib.
    """
    figure = canvas.figure(9, 4.5)
    axes, whole = figure.add_subplot(), sum(each.dense for each in found)
    _stack(axes, 0, [(each.name, each.dense / whole) for each in found])
    level = 1.0
    for place, each in enumerate(found, 1):
        change = (each.mixed - each.dense) / whole
        _bar(axes, place, each.name, level, change)
        above = max(level, level + change)
        axes.text(place, above, f"{change:+.1%}", ha="center", va="bottom")
        level += change
    end = len(found) + 1
    _stack(axes, end, [(each.name, each.mixed / whole) for each in found])
    names = ["dense", *(each.name for each in found), "mixed"]
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


def _ratios(found):
    first, *others = found.milliseconds.items()
    return ", ".join(f"{name} {first[1] / ms:.2f}x" for name, ms in others)


def _layers(found):
    measured = [x for x in found.decisions if x.dense_ms is not None]
    total = sum(decision.dense_ms for decision in measured)
    rows = [_cells(decision, total) for decision in measured]
    return report.table([_HEADER, *rows])


def _types(spent):
    _, dense, mixed = zip(*spent, strict=True)
    whole = layer_types.LayerType("whole", sum(dense), sum(mixed))
    return report.table(
        [_BY_TYPE, *(_type_cells(each, whole) for each in [*spent, whole])]
    )


def _type_cells(each, whole):
    return (
        each.name,
        f"{each.dense:.2f}",
        f"{each.dense / whole.dense:.1%}",
        f"{each.mixed:.2f}",
        f"{each.mixed / whole.mixed:.1%}",
        _ratio(each),
    )


def _ratio(each):
    # The rest is a difference, which noise can turn around.
    return f"{each.dense / each.mixed:.2f}" if min(each[1:]) > 0 else ""


def _cells(decision, total):
    dense, sparse = decision.dense_ms, decision.sparse_ms
    rate = decision.flops / 1e6
    return (
        decision.layer,
        f"{decision.sparsity:.0%}",
        f"{dense:.3f}",
        f"{sparse:.3f}",
        f"{rate / dense:.0f}",
        f"{rate * (1 - decision.sparsity) / sparse:.0f}",
        f"{rate / sparse:.0f}",
        f"{dense / total:.1%}",
        decision.chosen,
    )
