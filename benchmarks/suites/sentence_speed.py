"""A sentence encoder without a part of its units and heads, in each engine."""

from __future__ import annotations

import functools
import tempfile

import tensorflow as tf

from benchmarks.cases import models as model_cases
from benchmarks.cases import sentence_encoder
from benchmarks.cases import token_nets
from benchmarks.engines import client
from benchmarks.engines import export
from benchmarks.harness import inprocess
from benchmarks.suites import filter_speed
from benchmarks.suites import sentences
from tfprune.compress.filters import remove
from tfprune.compress.filters import zero

LENGTHS = 16, 128
_HEADER = ("gone", "tokens", "parameters", "MACs")


def main(flags) -> str:
    """Returns the results of a command line."""
    environments = client.Environments(
        engines=flags.engines, convert=flags.convert
    )
    return run(environments, flags.threads, flags.rounds)


def run(
    environments: client.Environments,
    threads: int,
    rounds: int,
    cases: dict | None = None,
) -> str:
    """Measures how many times faster the encoder is without what is removed.

    Speed does not depend on what the weights are: they are random.

    Args:
        environments: `client.Environments`. TensorFlow always runs; LiteRT
            needs `engines`, and ONNX Runtime `convert`, too.
        threads: Integer, of each engine.
        rounds: Integer, runs of each engine.
        cases: Dict as `sentences.CASES`. Defaults to these.

    Returns:
        The results as Markdown.
    """
    inprocess.set_threads(threads)
    dense = sentence_encoder.untrained()
    small = {
        name: remove.remove_filters(zero.zero_filters(dense, own)).model
        for name, own in (cases or sentences.CASES).items()
    }
    with environments.running(threads) as servers:
        rows = [
            row
            for length in LENGTHS
            for row in _rows(
                dense, small, length, environments, servers, rounds
            )
        ]
    return (
        "MiniLM without a part of its units and heads, an ordinary Keras "
        "model, beside the whole in the same engine:\nhow many times fewer "
        "parameters and multiply-accumulates (MACs), and how many times as "
        f"fast, by the least of\n{rounds} runs. One sequence, {threads} "
        f"thread(s), float32. TensorFlow {tf.__version__}.\n\n"
        f"{filter_speed.table(_HEADER, rows)}"
    )


def _rows(dense, small, length, environments, servers, rounds):
    inputs = functools.partial(token_nets.inputs, length=length)
    with tempfile.TemporaryDirectory() as folder:
        writer = export.Writer(folder, inputs, environments)
        ratios = filter_speed.measure(dense, small, writer, servers, rounds)
    shapes = [(length,)] * len(dense.inputs)
    macs = model_cases.macs(dense, shapes)
    return [
        (
            *(name, f"{length}"),
            f"{dense.count_params() / model.count_params():.2f}x",
            f"{macs / model_cases.macs(model, shapes):.2f}x",
            ratios[name],
        )
        for name, model in small.items()
    ]
