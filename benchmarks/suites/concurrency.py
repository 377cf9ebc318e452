"""Many callers of one op at once, sparse and dense.

A server calls a model from many threads. An op whose threads stand in each
other's way then gets less done than one caller by itself.
"""

from __future__ import annotations

import statistics
import threading
import time

import tensorflow as tf

from benchmarks.cases import layers as layer_cases
from benchmarks.cases import shapes
from benchmarks.harness import report

CALLERS = (1, 2, 8, 64)
CALLS = 256
LAYERS = (
    shapes.Product("256 x 1024 x 1024", 1024, 1024, 1.0),
    shapes.Convolution("28x28x128, 3x3", 128, 28, 128, 3, 1, 1, "SAME", 1.0),
)
_HEADER = ("layer", "op", *(f"{callers} callers" for callers in CALLERS))


def main(flags) -> str:
    """Returns the results of a command line."""
    return run(flags.rounds)


def run(rounds: int, sparsity: float = 0.9) -> str:
    """Measures calls per second, as a ratio to those of one caller.

    Args:
        rounds: Integer, of which every 20th is run: one takes seconds.
        sparsity: Float. Defaults to 0.9.

    Returns:
        The results as Markdown.
    """
    rows = [_HEADER]
    for layer in LAYERS:
        batch = 256 if isinstance(layer, shapes.Product) else 1
        problem = layer_cases.Problem(layer, sparsity, batch)
        ops = {
            "sparse": tf.function(problem.sparse),
            "dense": tf.function(problem.dense),
        }
        x = tf.constant(problem.x)
        found = _measure(ops, x, max(rounds // 20, 3))
        rows += [
            (layer.name, name, *(f"{ratio:.2f}" for ratio in ratios))
            for name, ratios in found.items()
        ]
    return (
        "Calls per second of so many threads at once, over those of one "
        f"thread; sparsity {sparsity},\nas many threads in an op as "
        f"TensorFlow takes; interleaved, medians.\n\n"
        f"{report.table(rows)}"
    )


def _measure(ops, x, rounds):
    """Returns for each op its ratios, in the order of `CALLERS`."""
    rates = {name: {callers: [] for callers in CALLERS} for name in ops}
    for op in ops.values():
        op(x)
    for _ in range(rounds):
        for callers in CALLERS:
            for name, op in ops.items():
                rates[name][callers].append(_rate(op, x, callers))
    middle = {
        name: [statistics.median(values) for values in own.values()]
        for name, own in rates.items()
    }
    return {
        name: [rate / own[0] for rate in own] for name, own in middle.items()
    }


def _rate(op, x, callers):
    """Returns calls per second."""

    def work():
        for _ in range(CALLS // callers):
            op(x)

    threads = [threading.Thread(target=work) for _ in range(callers)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return CALLS / (time.perf_counter() - begin)
