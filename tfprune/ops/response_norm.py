"""response_norm: local response normalization, dense and sparse."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tfprune.ops import csr
from tfprune.ops.sparse_conv2d import Geometry
from tfprune.ops.sparse_conv2d import sparse_conv2d


def response_norm(inputs, radius: int, bias: float, alpha: float, beta: float):
    """Returns `inputs / (bias + alpha * sum of squares) ** beta`.

    TensorFlow multiplies squares by all of `band`.

    Args:
        inputs: Float tensor of shape `(batch, height, width, channels)`.
        radius: Integer, how many channels on either side are summed up.
        bias: Float.
        alpha: Float, of a single square.
        beta: Float.

    Reference:
        Krizhevsky, Sutskever, Hinton. ImageNet Classification with Deep
        Convolutional Neural Networks. NIPS 2012.
    """
    return tf.nn.local_response_normalization(
        inputs, depth_radius=radius, bias=bias, alpha=alpha, beta=beta
    )


def band(channels: int, radius: int, alpha: float) -> np.ndarray:
    """Returns the matrix `(channels, channels)` that sums up neighbours."""
    distance = np.subtract.outer(np.arange(channels), np.arange(channels))
    return np.where(np.abs(distance) <= radius, alpha, 0).astype("float32")


def sparse_response_norm(inputs, weights: csr.Csr, bias, beta: float):
    """Returns what `response_norm` does, from the nonzeros of `band`.

    Args:
        inputs: float32 tensor of shape `(batch, height, width, channels)`.
        weights: `Csr` of `band`.
        bias: float32 tensor of shape `(channels,)`.
        beta: Float.
    """
    sums = sparse_conv2d(tf.square(inputs), weights, Geometry((1, 1)), bias)
    return inputs * _inverse_power(sums, beta)


def _inverse_power(x, exponent):
    # The exponent of all published nets, without a logarithm.
    if exponent == 0.75:
        root = tf.math.rsqrt(x)
        return root * tf.sqrt(root)
    return tf.pow(x, -exponent)
