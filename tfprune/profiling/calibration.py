"""Measures what this machine can do."""

from __future__ import annotations

import math

import keras
import numpy as np

from tfprune.layers import sparse_conv2d
from tfprune.profiling import roofline
from tfprune.profiling import timer
from tfprune.utils import counts
from tfprune.utils import validation

_SIDE = 1024
_BYTES = 1 << 28  # More than caches hold.
_IMAGE = (1, 28, 28, 128)
_DENSITY = 0.1


def calibrate(rounds: int = 100) -> roofline.MachineProfile:
    """Measures a `MachineProfile` in seconds, with TensorFlow's threads.

    Dense layers are taken to run as a product of matrices does, sparse ones as
    a 3x3 convolution of 90 % sparsity.

    Args:
        rounds: Integer, how often each is timed. Defaults to 100.

    Returns:
        The profile. Without the compiled ops, which `tfprune.ops.describe()`
        tells, it is that of TensorFlow's own.
    """
    validation.check_count("rounds", rounds, least=1)
    flops = 2 * _SIDE**3 / _product_seconds(rounds)
    return roofline.MachineProfile(
        flops=flops,
        bandwidth=_BYTES / _sum_seconds(rounds),
        slowdown=flops / _sparse_flops(rounds),
    )


def _product_seconds(rounds):
    product = {"product": lambda x: keras.ops.matmul(x, x)}
    return 1e-3 * timer.layers(product, (_SIDE, _SIDE), rounds)["product"]


def _sum_seconds(rounds):
    numbers = keras.ops.ones(_BYTES // 4)
    total = {"sum": lambda: float(keras.ops.sum(numbers))}
    return 1e-3 * timer.least(total, rounds)["sum"]


def _sparse_flops(rounds):
    layer = keras.layers.Conv2D(_IMAGE[-1], 3, padding="same")
    layer.build(_IMAGE)
    rng = np.random.default_rng(0)
    keep = rng.random(layer.kernel.shape) < _DENSITY
    layer.kernel.assign(layer.kernel * keep)
    sparse = sparse_conv2d.SparseConv2D.from_dense(layer)
    seconds = 1e-3 * timer.layers({"sparse": sparse}, _IMAGE, rounds)["sparse"]
    pixels = math.prod(_IMAGE[1:3])
    return 2 * counts.kept(keep) * pixels / seconds
