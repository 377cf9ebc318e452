"""The table of whole nets: ratios to other engines."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from tfprune.experiments.benchmarks import engines
from tfprune.experiments.benchmarks import markdown as markdown_lib
from tfprune.experiments.benchmarks import rivals

_RIVALS = {
    "x TensorFlow": rivals.TENSORFLOW,
    "x best dense": rivals.DENSE,
    "x DeepSparse": [engines.DEEPSPARSE, engines.DEEPSPARSE_AVX2],
}


@dataclasses.dataclass(frozen=True)
class Row(rivals.Timed):
    """A net at one sparsity.

    Args:
        net: String.
        sparsity: Float, or a string that tells whose.
        decisions: List of `sparsify.Decision`.
        times: Dict, name of an engine to the seconds of its runs.
    """

    net: str
    sparsity: float | str
    decisions: list
    times: dict[str, list[float]]

    @property
    def sparse_layers(self) -> str:
        runs = [decision.chosen for decision in self.decisions]
        return f"{runs.count('sparse')} of {len(runs)}"


def markdown(rows: list[Row], setup) -> str:
    """Returns the rows as Markdown.

    Args:
        rows: List of `Row`.
        setup: `models.Setup`.
    """
    others = [
        engine.name
        for engine in engines.ENGINES
        if engine.name != engines.OURS and engine.name in rows[0].times
    ]
    header = ("net", "sparsity", "sparse layers", "ms", *_RIVALS, *others)
    lines = [header, *(_cells(row, others) for row in rows)]
    return f"{_heading(rows, setup)}\n\n{markdown_lib.table(lines)}"


def _cells(row, others):
    return (
        row.net,
        _percent(row.sparsity),
        row.sparse_layers,
        f"{1e3 * row.seconds:.1f}",
        *(row.ratios(names) for names in _RIVALS.values()),
        *(f"{row.ratio([name]):.2f}" for name in others),
    )


def _percent(sparsity):
    return sparsity if isinstance(sparsity, str) else f"{sparsity:.0%}"


def _heading(rows, setup):
    runs = len(rows[0].times[engines.OURS])
    return (
        f"Whole nets as `sparsify` makes them beside others: batch "
        f"{setup.batch}, {setup.threads} thread(s), random weights,\nfloat32. "
        f"How many times as fast as each engine, by the least of {runs} runs, "
        "in parentheses by the medians;\nruns in a row, engines in turn, each "
        "in a process of its own. DeepSparse runs the same zeros;\n"
        "'TensorFlow' is the Keras model, '(folded)' with its normalizations "
        "folded and its groups in\none operation, which is what the engines "
        f"behind it run, too. TensorFlow {tf.__version__}."
    )
