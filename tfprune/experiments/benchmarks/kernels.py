"""Sparse kernels beside TensorFlow's dense ones, layer by layer.

A call of a `tf.function` costs as much as many of the layers in it. So one that
does nothing is subtracted, and small layers are run several times in one call.
"""

from __future__ import annotations

import math
import os
import pathlib
import statistics

import numpy as np
import tensorflow as tf

from tfprune import backend
from tfprune import ops
from tfprune.experiments.benchmarks import interleaving
from tfprune.experiments.benchmarks import shapes
from tfprune.ops import library
from tfprune.ops.sparse_conv2d import Geometry

_ROOT = pathlib.Path(__file__).parents[3]
FOLDER = _ROOT / "custom_ops/benchmarks/shapes"
# What a call does at the least: one of a smaller layer cannot be told from
# one that does nothing.
LEAST_FLOPS = 5e7
_SWITCHES = ("TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA", "TFPRUNE_ISA")
_HEADER = (
    "layer",
    "dense / sparse",
    "prototype",
    "of prototype",
    "dense GFLOPS",
    "sparse GFLOPS",
    "dense-equivalent GFLOPS",
)


def run(
    rounds: int,
    sparsity: float = 0.9,
    batch: int = 1,
    threads: int = 1,
) -> str:
    """Measures every layer of the shape files.

    Args:
        rounds: Integer.
        sparsity: Float. Defaults to 0.9.
        batch: Integer. Defaults to 1.
        threads: Integer. Defaults to 1.

    Returns:
        The results as Markdown.
    """
    if library.load().ops is None:
        raise ValueError(
            f"`kernels` needs the compiled ops. Received: {ops.describe()}"
        )
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    layers = [
        *shapes.read(FOLDER / "convolutions.txt", shapes.Convolution),
        *shapes.read(FOLDER / "products.txt", shapes.Product),
    ]
    found = [
        (layer, _measure(layer, sparsity, batch, rounds)) for layer in layers
    ]
    heading = _heading(sparsity, batch, threads)
    return f"{heading}\n\n{table(found, sparsity, batch)}"


def _measure(layer, sparsity, batch, rounds):
    """Returns the seconds of the dense layer and of the sparse one."""
    inputs, sparse, dense = pair(layer, sparsity, batch)
    calls = {
        "nothing": backend.chained(lambda x: x, inputs),
        "sparse": backend.chained(sparse, inputs),
        "dense": backend.chained(dense, inputs),
    }
    for call in calls.values():
        call()
    times = interleaving.measure(calls, rounds)
    # The least is what the machine can do; its neighbours add to all others.
    least = {name: min(values) for name, values in times.items()}
    return tuple(
        max(least[name] - least["nothing"], 1e-9) / len(inputs)
        for name in ("dense", "sparse")
    )


def pair(layer, sparsity: float, batch: int) -> tuple:
    """Returns inputs, and the sparse and the dense function of one of them."""
    shape, sparse, dense = _PAIRS[type(layer)](layer, sparsity, batch)
    rng = np.random.default_rng(1)
    repeats = math.ceil(LEAST_FLOPS / _flops(layer, batch))
    inputs = [rng.normal(size=shape).astype("float32") for _ in range(repeats)]
    return inputs, sparse, dense


def _convolutions(layer, sparsity, batch):
    matrix = _random(layer, sparsity)
    shape = (layer.kernel,) * 2 + (
        layer.channels // layer.groups,
        layer.filters,
    )
    kernel = tf.constant(matrix.T.reshape(shape))
    geometry = Geometry(
        shape[:2], (layer.stride,) * 2, layer.padding, groups=layer.groups
    )
    weights = ops.Csr.from_dense(matrix)
    return (
        (batch, layer.size, layer.size, layer.channels),
        lambda x: ops.sparse_conv2d(x, weights, geometry),
        lambda x: tf.nn.conv2d(x, kernel, layer.stride, layer.padding),
    )


def _products(layer, sparsity, batch):
    matrix = _random(layer, sparsity)
    kernel = tf.constant(np.ascontiguousarray(matrix.T))
    weights = ops.Csr.from_dense(matrix)
    return (
        (batch, layer.columns),
        lambda x: ops.csr_matmul(x, weights),
        lambda x: tf.matmul(x, kernel),
    )


_PAIRS = {shapes.Convolution: _convolutions, shapes.Product: _products}


def _random(layer, sparsity):
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(layer.rows, layer.columns)).astype("float32")
    matrix[rng.random(matrix.shape) < sparsity] = 0
    return matrix


def _flops(layer, batch):
    pixels = 1
    if isinstance(layer, shapes.Convolution):
        geometry = Geometry(
            (layer.kernel,) * 2, (layer.stride,) * 2, layer.padding
        )
        pixels = math.prod(geometry.output_size(layer.size, layer.size))
    return 2 * batch * pixels * layer.rows * layer.columns


def table(found: list, sparsity: float, batch: int) -> str:
    """Returns layers and their (dense, sparse) seconds as Markdown."""
    lines = [_HEADER, ["---"] * len(_HEADER)]
    for layer, (dense, sparse) in found:
        flops = _flops(layer, batch) / 1e9
        lines.append(
            (
                layer.name,
                f"{dense / sparse:.2f}x",
                f"{layer.prototype:.1f}x",
                f"{dense / sparse / layer.prototype:.2f}",
                f"{flops / dense:.0f}",
                f"{flops * (1 - sparsity) / sparse:.0f}",
                f"{flops / sparse:.0f}",
            )
        )
    lines.append(_summary(found))
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _summary(found):
    ratios = [dense / sparse for _, (dense, sparse) in found]
    prototypes = [layer.prototype for layer, _ in found]
    mean = statistics.geometric_mean
    return (
        "geometric mean",
        f"{mean(ratios):.2f}x",
        f"{mean(prototypes):.1f}x",
        f"{mean(ratios) / mean(prototypes):.2f}",
        *[""] * 3,
    )


def _heading(sparsity, batch, threads):
    changed = [
        f"{name}={os.environ[name]}" for name in _SWITCHES if name in os.environ
    ]
    return (
        f"Sparse layers beside TensorFlow's dense ones: sparsity {sparsity}, "
        f"batch {batch}, {threads} thread(s),\nNHWC in and out, random "
        "weights, interleaved; the least of all rounds less that of an "
        f"empty call.\nTensorFlow {tf.__version__}, {os.cpu_count()} CPUs, "
        f"{', '.join(changed) or 'no switches'}. 'Prototype' is the same "
        "ratio of a\nprototype, measured before on another machine, which "
        "had no AVX-512."
    )
