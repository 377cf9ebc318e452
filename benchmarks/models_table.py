"""The table of whole nets: ratios to other engines."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from benchmarks import engines
from benchmarks import markdown as markdown_lib
from benchmarks import rivals

_HEADER = ("net", "sparsity", "multiplications", "sparse layers", "ms")
_NARROW = "narrow dense net x TensorFlow"
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
        kept: Float, the part of the multiplications that is left.
        times: Dict, name of an engine to the seconds of its runs.
        narrow: Float, the part of the multiplications of a dense net that has
            about as many.
        narrow_times: Dict, as `times`, of that net.
    """

    net: str
    sparsity: float | str
    decisions: list
    kept: float
    times: dict[str, list[float]]
    narrow: float
    narrow_times: dict[str, list[float]]

    @property
    def sparse_layers(self) -> str:
        runs = [decision.chosen for decision in self.decisions]
        return f"{runs.count('sparse')} of {len(runs)}"

    @property
    def narrow_ratio(self) -> float:
        """How many times faster TensorFlow is at the narrower dense net."""
        narrow, dense = (
            min(min(times[name]) for name in rivals.TENSORFLOW if name in times)
            for times in (self.narrow_times, self.times)
        )
        return dense / narrow


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
    header = (*_HEADER, *_RIVALS, _NARROW, *others)
    lines = [header, *(_cells(row, others) for row in rows)]
    return f"{_heading(rows, setup)}\n\n{markdown_lib.table(lines)}"


def _cells(row, others):
    return (
        row.net,
        _percent(row.sparsity),
        f"{row.kept:.1%}",
        row.sparse_layers,
        f"{1e3 * row.seconds:.1f}",
        *(row.ratios(names) for names in _RIVALS.values()),
        f"{row.narrow_ratio:.2f} ({row.narrow:.1%})",
        *(f"{row.ratio([name]):.2f}" for name in others),
    )


def _percent(sparsity):
    return sparsity if isinstance(sparsity, str) else f"{sparsity:.0%}"


def _heading(rows, setup):
    runs = len(rows[0].times[engines.OURS])
    return (
        f"Whole nets as `sparsify` makes them: batch {setup.batch}, "
        f"{setup.threads} thread(s), random weights, float32. How many times "
        f"as\nfast as each engine, by the least of {runs} runs, in "
        f"parentheses by the medians; runs in a row, engines "
        "in turn, each\nin a process of its own. 'Multiplications' are those "
        "that are left. DeepSparse runs the same zeros. 'TensorFlow'\nis the "
        "Keras model, '(folded)' has its normalizations folded, and its groups "
        "in one operation: that is what the\nengines behind it run, too. "
        "'Narrow' is a dense net of about as many multiplications, in "
        "parentheses, with fewer\nfilters in all layers, in TensorFlow against "
        f"the whole net in TensorFlow. TensorFlow {tf.__version__}."
    )
