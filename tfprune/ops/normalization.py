"""normalize: layer normalization in one pass over memory."""

from __future__ import annotations

import tensorflow as tf

from tfprune.ops import library
from tfprune.ops import reference_gradients


def normalize(inputs, gamma=None, beta=None, *, epsilon: float, centered=True):
    """`gamma * (inputs - mean) / sqrt(variance + epsilon) + beta`, of each row.

    Args:
        inputs: float32 tensor of shape `(batch, ..., width)`.
        gamma: float32 tensor of shape `(width,)`. Defaults to None: 1.
        beta: float32 tensor of shape `(width,)`. Defaults to None: 0.
        epsilon: Float.
        centered: Bool: False for root mean square normalization, which takes
            the mean to be 0. Defaults to True.

    Returns:
        float32 tensor like `inputs`.

    Raises:
        tf.errors.InvalidArgumentError: for shapes that do not fit.

    References:
        Ba, Kiros, Hinton. Layer Normalization. 2016.
        Zhang, Sennrich. Root Mean Square Layer Normalization. NeurIPS 2019.
    """
    gamma, beta = (tf.zeros([0]) if x is None else x for x in (gamma, beta))
    ops = library.load().ops
    if ops is None:
        return reference(inputs, gamma, beta, epsilon, centered)
    return ops.tfprune_normalize(
        inputs,
        gamma,
        beta,
        epsilon=epsilon,
        centered=int(centered),
        num_threads=library.num_threads(),
    )


def reference(inputs, gamma, beta, epsilon, centered):
    """The same with TensorFlow's ops."""
    mean = tf.reduce_mean(inputs, -1, keepdims=True) if centered else 0.0
    variance = tf.reduce_mean(tf.square(inputs - mean), -1, keepdims=True)
    outputs = (inputs - mean) * tf.math.rsqrt(variance + epsilon)
    if gamma.shape != (0,):
        outputs *= gamma
    return outputs if beta.shape == (0,) else outputs + beta


@tf.RegisterGradient("Tfprune>Normalize")
def _gradient(op, upstream):
    epsilon, centered = op.get_attr("epsilon"), bool(op.get_attr("centered"))

    def run(inputs, gamma, beta):
        return reference(inputs, gamma, beta, epsilon, centered)

    return reference_gradients.gradients(run, list(op.inputs), upstream)
