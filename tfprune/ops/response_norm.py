"""response_norm: local response normalization, as TensorFlow does it."""

from __future__ import annotations

import numpy as np
import tensorflow as tf


def response_norm(inputs, radius: int, bias: float, alpha: float, beta: float):
    """`inputs / (bias + alpha * sum of squares) ** beta`.

    TensorFlow multiplies squares by all of `band`.

    Args:
        inputs: float32 tensor of shape `(batch, height, width, channels)`.
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
    """The matrix `(channels, channels)` that sums up neighbours."""
    distance = np.subtract.outer(np.arange(channels), np.arange(channels))
    return np.where(np.abs(distance) <= radius, alpha, 0).astype("float32")
