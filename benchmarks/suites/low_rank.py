"""Factorised layers beside their dense form, in TensorFlow and LiteRT."""

from __future__ import annotations

import typing

import keras
import numpy as np
import tensorflow as tf

from benchmarks.cases import shapes
from benchmarks.harness import inprocess
from benchmarks.harness import report
from tfprune import api


class Case(typing.NamedTuple):
    """A layer, and the rank that it gets.

    Args:
        layer: `shapes.Convolution`.
        rank: Integer, or None: the one that takes half of the MACs.
        published: Float, the speed-up on a CPU that the paper has, or None.
    """

    layer: shapes.Convolution
    rank: int | None = None
    published: float | None = None


def _conv(name, channels, size, filters, kernel=1):
    return shapes.Convolution(
        name, channels, size, filters, kernel, 1, 1, "SAME", 1.0
    )


# Ranks and times of Wen et al., ICCV 2017: the groups of conv4 and conv5 as
# one, as their MACs are counted there.
CASES = (
    Case(_conv("alexnet/conv3", 256, 13, 384, 3), 124, 2.45),
    Case(_conv("alexnet/conv4", 384, 13, 384, 3), 106, 2.76),
    Case(_conv("alexnet/conv5", 384, 13, 256, 3), 129, 1.64),
    Case(_conv("resnet50/res2_3x3", 64, 56, 64, 3)),
    Case(_conv("resnet50/res3_3x3", 128, 28, 128, 3)),
    Case(_conv("resnet50/res4_3x3", 256, 14, 256, 3)),
    Case(_conv("resnet50/res5_3x3", 512, 7, 512, 3)),
    Case(_conv("resnet50/res3_expand", 128, 28, 512)),
    Case(_conv("resnet50/res4_reduce", 1024, 14, 256)),
    Case(_conv("resnet50/res5_expand", 512, 7, 2048)),
    Case(_conv("mobilenet_v2/14_expand", 96, 14, 576)),
    Case(_conv("mobilenet_v2/14_project", 576, 14, 96)),
    Case(_conv("mobilenet_v2/7_expand", 160, 7, 960)),
    Case(_conv("mobilenet_v2/last", 320, 7, 1280)),
)
_HEADER = (
    *("layer", "rank", "of", "MACs", "TensorFlow", "LiteRT"),
    "published, CPU",
)


def main(flags) -> str:
    """Returns the results of a command line."""
    return run(flags.rounds, flags.batch, flags.threads)


def run(rounds: int, batch: int, threads: int, cases=CASES) -> str:
    """Measures how many times faster factorised layers are.

    Args:
        rounds: Integer.
        batch: Integer, examples in a call.
        threads: Integer, of each engine.
        cases: Sequence of `Case`. Defaults to `CASES`.

    Returns:
        The results as Markdown.
    """
    inprocess.set_threads(threads)
    rows = [_HEADER, *(_row(x, rounds, batch, threads) for x in cases)]
    return (
        "Factorised convolutions: how many times faster than the dense ones, "
        f"medians of {rounds} rounds in turn;\nbatch {batch}, threads "
        f"{threads}. MACs is the reduction. TensorFlow {tf.__version__}, "
        f"Keras {keras.__version__}.\nPublished: Wen et al., ICCV 2017, of "
        "the same ranks.\n\n    python scripts/benchmark.py low_rank "
        f"--batch={batch} --threads={threads}\n\n{report.table(rows)}"
    )


def half_rank(layer: shapes.Convolution) -> int:
    """Returns the rank at which two layers take half of the MACs."""
    dense = layer.columns * layer.rows
    return max(dense // (2 * (layer.columns + layer.rows)), 1)


def _row(case, rounds, batch, threads):
    layer, rank = case.layer, case.rank or half_rank(case.layer)
    dense = keras.Sequential(
        [
            keras.Input(layer.input_shape),
            keras.layers.Conv2D(
                layer.filters, layer.kernel, layer.stride, layer.padding
            ),
        ]
    )
    found = api.factorize(dense, ranks={".*": rank}, split_where="always")
    x = np.random.default_rng(0).normal(size=(batch, *layer.input_shape))
    x = x.astype("float32")
    faster = [
        inprocess.speedup(
            make(dense, x, threads), make(found.model, x, threads), rounds
        )
        for make in (inprocess.in_tensorflow, inprocess.in_litert)
    ]
    return (
        *(layer.name, str(rank), str(found.table.rows[0].full_rank)),
        *(f"{value:.2f}x" for value in (found.table.mac_reduction, *faster)),
        f"{case.published}x" if case.published else "",
    )
