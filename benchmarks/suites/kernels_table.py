"""The table and the plot of the kernels: ratios to engines and to limits."""

from __future__ import annotations

import collections
import dataclasses
import itertools
import math
import os
import statistics

import tensorflow as tf

from benchmarks.cases import layers
from benchmarks.engines import client
from benchmarks.harness import compare
from benchmarks.harness import report
from experiments.plots import canvas
from tfprune.profiling import roofline

BYTES_OF_A_WEIGHT = 6  # A value, and 16 bits for where it belongs.
_BASELINES = {
    "x TensorFlow": compare.TENSORFLOW,
    "x best dense": compare.DENSE,
    "x DeepSparse": [client.DEEPSPARSE],
    "x best other sparse": compare.OTHER_SPARSE,
    "x TensorFlow (AVX2)": [client.TENSORFLOW_AVX2],
    "x DeepSparse (AVX2)": [client.DEEPSPARSE_AVX2],
}
_HEADER = (
    "layer",
    "sparsity",
    "GFLOPS",
    "dense-equivalent",
    "of FMA floor",
    "of memory floor",
    *_BASELINES,
    "of prototype",
)
_KINDS = {
    "convolutions": lambda problem: not problem.is_product,
    "- larger than 1x1": lambda p: not p.is_product and p.layer.kernel > 1,
    "- 1x1": lambda p: not p.is_product and p.layer.kernel == 1,
    "products": lambda problem: problem.is_product,
}
_PANELS = 7  # In a row.
_LINES = {
    "best dense engine": compare.DENSE,
    "without Winograd": compare.DIRECT,
}


@dataclasses.dataclass(frozen=True)
class Row(compare.Timed):
    """A layer at one sparsity.

    Args:
        problem: `cases.layers.Problem`.
        times: Dict, name of an engine to the seconds of its runs.
        machine: `roofline.MachineProfile`.
        threads: Integer. Defaults to 1.
    """

    problem: layers.Problem
    times: dict[str, list[float]]
    machine: roofline.MachineProfile
    threads: int = 1

    @property
    def flops(self) -> float:
        """Of the weights that are kept."""
        return self.problem.flops * (1 - self.problem.sparsity)

    @property
    def of_arithmetic(self) -> float:
        """The part of the time that the multiplications alone would take."""
        return self.flops / self.machine.flops / self.seconds

    @property
    def of_memory(self) -> float:
        """The part that reading and writing everything once would take."""
        layer = self.problem.layer
        kept = (1 - self.problem.sparsity) * self.problem.weights
        inputs = self.problem.batch * math.prod(layer.input_shape)
        outputs = self.problem.pixels * layer.rows
        moved = BYTES_OF_A_WEIGHT * kept + 4 * (inputs + outputs)
        return moved / self.machine.bandwidth / self.seconds

    def of_prototype(self) -> float:
        """The ratio to TensorFlow over that of the prototype."""
        names = [client.TENSORFLOW_AVX2]
        return self.ratio(names) / self.problem.layer.prototype


def markdown(rows: list[Row], setup) -> str:
    """Returns the rows, and geometric means of their kinds, as Markdown.

    Args:
        rows: List of `Row`.
        setup: `kernels.Setup`.
    """
    lines = [_HEADER, *map(_cells, rows)]
    for kind, belongs in _KINDS.items():
        for sparsity in setup.sparsities:
            some = [
                row
                for row in rows
                if belongs(row.problem) and row.problem.sparsity == sparsity
            ]
            lines += [_mean(kind, sparsity, some)] if some else []
    return (
        f"{_heading(rows, setup)}\n\n{report.table(lines)}\n"
        "From which sparsity on it is faster than the best dense engine, and "
        "than the best\nbut DeepSparse, which has Winograd's algorithm, "
        f"between those measured:\n\n{report.table(_break_evens(rows))}"
    )


def break_even(ratios: dict[float, float]) -> str:
    """Returns where a ratio passes 1, as text.

    Args:
        ratios: Dict, sparsity to how many times faster than dense.
    """
    points = sorted(ratios.items())
    if points[0][1] >= 1:
        return f"below {points[0][0]:.0%}"
    for (low, before), (high, after) in itertools.pairwise(points):
        if after >= 1:
            part = (1 - before) / (after - before)
            return f"{low + part * (high - low):.0%}"
    return f"above {points[-1][0]:.0%}"


def speedups(rows: list[Row], names: list[str]) -> dict[str, dict]:
    """Returns each layer's {sparsity: ratio to the best of some engines}."""
    ratios = collections.defaultdict(dict)
    for row in rows:
        problem = row.problem
        ratios[problem.layer.name][problem.sparsity] = row.ratio(names)
    return dict(ratios)


def draw(rows: list, path: str | os.PathLike) -> None:
    """Draws the ratio to dense engines over sparsity, a panel for each layer.

    Args:
        rows: List of `Row`.
        path: Where to write. The ending names the format, such as `.png`.

    Raises:
        ImportError: without matplotlib.
    """
    lines = {
        label: speedups(rows, engines) for label, engines in _LINES.items()
    }
    names = list(lines["best dense engine"])
    height = math.ceil(len(names) / _PANELS)
    figure = canvas.figure(1.7 * _PANELS, 1.8 * height + 0.4)
    panels = figure.subplots(
        height, _PANELS, sharex=True, sharey=True, squeeze=False
    ).flat
    for layer, panel in itertools.zip_longest(names, panels):
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


def _break_evens(rows):
    every, direct = (
        speedups(rows, names) for names in (compare.DENSE, compare.DIRECT)
    )
    cells = [
        (name, break_even(found), break_even(direct[name]))
        for name, found in every.items()
    ]
    return [("layer", "break-even", "without Winograd"), *cells]


def _cells(row):
    problem = row.problem
    return (
        problem.layer.name,
        f"{problem.sparsity:.0%}",
        f"{row.flops / row.seconds / 1e9:.0f}",
        f"{problem.flops / row.seconds / 1e9:.0f}",
        f"{row.of_arithmetic:.0%}",
        f"{row.of_memory:.0%}",
        *(_baseline(row, names) for names in _BASELINES.values()),
        _of_prototype(row),
    )


def _baseline(row, names):
    best = row.best(names)
    if not best:
        return ""
    who = f" {best}" if len(names) > len(compare.TENSORFLOW) else ""
    return row.ratios(names) + who


def _of_prototype(row):
    setup = row.problem.sparsity, row.problem.batch, row.threads
    known = client.TENSORFLOW_AVX2 in row.times
    return f"{row.of_prototype():.2f}" if known and setup == (0.9, 1, 1) else ""


def _mean(kind, sparsity, rows):
    def mean(values):
        values = list(values)
        return statistics.geometric_mean(values) if values else math.nan

    ratios = []
    for names in _BASELINES.values():
        known = [row for row in rows if row.best(names)]
        least = mean(row.ratio(names) for row in known)
        median = mean(row.ratio(names, statistics.median) for row in known)
        ratios.append(f"{least:.2f} ({median:.2f})" if known else "")
    known = [row for row in rows if _of_prototype(row)]
    return (
        f"mean: {kind}",
        f"{sparsity:.0%}",
        *[""] * 2,
        f"{mean(row.of_arithmetic for row in rows):.0%}",
        f"{mean(row.of_memory for row in rows):.0%}",
        *ratios,
        f"{mean(row.of_prototype() for row in known):.2f}" if known else "",
    )


def _heading(rows, setup):
    machine, runs = rows[0].machine, len(rows[0].times[client.OURS])
    measured = {name for row in rows for name in row.times}
    return (
        f"Sparse layers beside other engines: batch {setup.batch}, "
        f"{setup.threads} thread(s), random weights, float32, on\n"
        f"{os.cpu_count()} CPUs. Ratios of the least of {runs} runs, in "
        "parentheses those of the medians; runs of 10 in a row,\nengines in "
        "turn, so that caches are warm. Above 1, tfprune is the faster one. "
        "FMA floor: TensorFlow's product\nof large matrices, "
        f"{machine.flops / 1e9:.0f} GFLOPS; memory floor: its sum of 256 MB, "
        f"{machine.bandwidth / 1e9:.0f} GB/s, {BYTES_OF_A_WEIGHT} bytes for "
        "a kept weight.\nTensorFlow and tfprune run in a loop, of which an "
        "empty one is taken off; others pay for a call from\nPython each "
        "time. 'Of prototype' is the ratio to TensorFlow with AVX2 over that "
        "of a prototype,\nmeasured on another machine, which had no AVX-512. "
        f"TensorFlow {tf.__version__}; measured: {', '.join(sorted(measured))}."
    )
