"""Whole nets, sparse and dense, in TensorFlow and in other engines."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
import sys
import tempfile
import typing

import tensorflow as tf

from benchmarks.cases import models as model_cases
from benchmarks.engines import client
from benchmarks.engines import export
from benchmarks.harness import compare
from benchmarks.harness import inprocess
from benchmarks.harness import report
from tfprune.compress.sparse import sparsify
from tfprune.utils import validation

REPEATS = 5  # In a row.
_DENSE, _NARROW = "dense", "narrow"
_HEADER = ("net", "sparsity", "multiplications", "sparse layers", "ms")
_OF_NARROW = "narrow dense net x TensorFlow"
_BASELINES = {
    "x TensorFlow": compare.TENSORFLOW,
    "x best dense": compare.DENSE,
    "x DeepSparse": [client.DEEPSPARSE, client.DEEPSPARSE_AVX2],
}


class Setup(typing.NamedTuple):
    """What is measured.

    Args:
        names: Strings, keys of `tfprune.applications.MODELS`, or paths of
            `.keras` files.
        sparsities: Tuple, each as of `model_cases.pruned`.
        batch: Integer. Defaults to 1.
        threads: Integer, of each engine. Defaults to 1.
    """

    names: tuple
    sparsities: tuple
    batch: int = 1
    threads: int = 1


def main(flags) -> str:
    """Returns the results of a command line."""
    setup = Setup(flags.model, flags.sparsities, flags.batch, flags.threads)
    environments = client.Environments(
        flags.engines, flags.deepsparse, flags.convert
    )
    return run(setup, environments, flags.rounds)


def run(setup: Setup, environments: client.Environments, rounds: int) -> str:
    """Measures nets as `sparsify` makes them, and dense ones.

    Args:
        setup: `Setup`.
        environments: `client.Environments`.
        rounds: Integer, runs of each engine.

    Returns:
        The results as Markdown.
    """
    others = environments.engines or environments.deepsparse
    validation.check(
        "convert",
        environments.convert,
        environments.convert or not others,
        "a Python that has tf2onnx, where other engines are measured",
    )
    rows = []
    for name, writer, servers in each(setup, environments):
        rows += _measure(name, setup, writer, servers, rounds)
    return markdown(rows, setup)


def each(setup: Setup, environments: client.Environments):
    """Checks a setup, and yields each net's name, `Writer` and servers."""
    for name in setup.names:
        for sparsity in setup.sparsities:
            model_cases.check(name, sparsity)
    inprocess.set_threads(setup.threads)
    with environments.running(setup.threads) as servers:
        for name in setup.names:
            print(name, file=sys.stderr, flush=True)
            with tempfile.TemporaryDirectory() as folder:
                inputs = functools.partial(export.images, batch=setup.batch)
                writer = export.Writer(folder, inputs, environments)
                yield name, writer, servers


class _Case(typing.NamedTuple):
    """A net at one sparsity: what is run, and what the table says of it."""

    sparsity: float | str
    decisions: list
    kept: float
    narrow: float
    entries: list


@dataclasses.dataclass(frozen=True)
class Row(compare.Timed):
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
            min(
                min(times[name]) for name in compare.TENSORFLOW if name in times
            )
            for times in (self.narrow_times, self.times)
        )
        return dense / narrow


def _measure(name, setup, writer, servers, rounds):
    dense = model_cases.build(name)
    entries = [compare.Entry(_DENSE, writer.dense(dense), False)]
    cases = [_case(name, dense, s, setup, writer) for s in setup.sparsities]
    for case in cases:
        entries += case.entries
    times = compare.measure(servers, entries, rounds, REPEATS)
    return [_row(name, case, times) for case in cases]


def _case(name, dense, sparsity, setup, writer):
    model = model_cases.pruned(name, sparsity)
    found = sparsify.sparsify(model, setup.batch)
    kept = model_cases.kept_macs(model)
    narrower = model_cases.narrow(dense, kept)
    part = model_cases.macs(narrower) / model_cases.macs(dense)
    sparse = writer.pruned(f"{sparsity}", model, found.model)
    fewer = writer.narrow(f"{sparsity} {_NARROW}", narrower)
    entries = [
        compare.Entry(sparsity, sparse, True),
        compare.Entry((sparsity, _NARROW), fewer, False),
    ]
    return _Case(sparsity, found.decisions, kept, part, entries)


def _row(name, case, times):
    return Row(
        pathlib.Path(name).stem,
        case.sparsity,
        case.decisions,
        case.kept,
        {**times[_DENSE], **times[case.sparsity]},
        case.narrow,
        times[case.sparsity, _NARROW],
    )


def markdown(rows: list[Row], setup) -> str:
    """Returns the rows as Markdown.

    Args:
        rows: List of `Row`.
        setup: `Setup`.
    """
    others = [
        engine.name
        for engine in client.ENGINES
        if engine.name != client.OURS and engine.name in rows[0].times
    ]
    header = (*_HEADER, *_BASELINES, _OF_NARROW, *others)
    lines = [header, *(_cells(row, others) for row in rows)]
    return f"{_heading(rows, setup)}\n\n{report.table(lines)}"


def _cells(row, others):
    return (
        row.net,
        _sparsity(row.sparsity),
        f"{row.kept:.1%}",
        row.sparse_layers,
        f"{1e3 * row.seconds:.1f}",
        *(row.ratios(names) for names in _BASELINES.values()),
        f"{row.narrow_ratio:.2f} ({row.narrow:.1%})",
        *(f"{row.ratio([name]):.2f}" for name in others),
    )


def _sparsity(sparsity):
    return sparsity if isinstance(sparsity, str) else f"{sparsity:.0%}"


def _heading(rows, setup):
    runs = len(rows[0].times[client.OURS])
    return (
        f"Whole nets as `sparsify` makes them: batch {setup.batch}, "
        f"{setup.threads} thread(s), random weights, float32. How many times "
        f"as\nfast as each engine, by the least of {runs} runs, in "
        f"parentheses by the medians; runs in a row, engines "
        "in turn, each\nin a process of its own. 'Multiplications' are those "
        "that are left. DeepSparse runs the same zeros. 'TensorFlow'\nis the "
        "Keras model, '(folded)' has its normalizations folded, and its groups "
        "in one operation: that is what the\nengines behind it run, too; "
        "'(constants)' is called by `to_function`, as the sparse net is. "
        "'Narrow' is a dense net of about as many multiplications, in "
        "parentheses, with fewer\nfilters in all layers, in TensorFlow against "
        f"the whole net in TensorFlow. TensorFlow {tf.__version__}."
    )
