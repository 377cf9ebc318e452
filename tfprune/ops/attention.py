"""attend: scores, softmax and weighted mean in one pass over memory."""

from __future__ import annotations

import keras
import tensorflow as tf

from tfprune.ops import library
from tfprune.ops import reference_gradients


def attend(query, key, value, mask=None, *, scale: float, is_causal=False):
    """`softmax(scale * query @ transpose(key)) @ value`, of each head.

    A query that sees no key gets the mean of all values, as in Keras.

    Args:
        query: float32 tensor of shape `(batch, queries, heads, depth)`.
        key: float32 tensor of shape `(batch, keys, key heads, depth)`, of which
            each head serves as many of the queries', one after another.
        value: float32 tensor of shape `(batch, keys, key heads, value depth)`.
        mask: Bool tensor of shape `(batch, heads, queries, keys)`, with 1 in
            the place of any or without the first ones: which keys are seen.
            Defaults to None: all.
        scale: Float.
        is_causal: Bool: whether queries see keys up to their own position
            alone. Defaults to False.

    Returns:
        float32 tensor of shape `(batch, queries, heads, value depth)`.

    Raises:
        tf.errors.InvalidArgumentError: for shapes that do not fit.

    Reference:
        Vaswani et al. Attention Is All You Need. NIPS 2017.
    """
    ops = library.load().ops
    if ops is None:
        return reference(query, key, value, mask, scale, is_causal)
    outputs = ops.tfprune_attention(
        query,
        key,
        value,
        tf.zeros([0], "bool") if mask is None else _of_rank_4(mask),
        scale=scale,
        causal=int(is_causal),
        num_threads=library.num_threads(),
    )
    outputs.set_shape((*query.shape[:3], value.shape[3]))
    return outputs


def _of_rank_4(mask):
    mask = tf.convert_to_tensor(mask)
    for _ in range(4 - mask.shape.rank):
        mask = mask[None]
    return mask


def reference(query, key, value, mask, scale, is_causal):
    """The same with Keras' operations."""
    times = tf.shape(query)[2] // tf.shape(key)[2]
    key, value = (tf.repeat(x, times, axis=2) for x in (key, value))
    return keras.ops.dot_product_attention(
        query, key, value, mask=mask, scale=scale, is_causal=is_causal
    )


@tf.RegisterGradient("Tfprune>Attention")
def _gradient(op, upstream):
    query, key, value, mask = op.inputs
    mask = None if mask.shape.rank == 1 else mask
    scale, is_causal = op.get_attr("scale"), bool(op.get_attr("causal"))

    def run(query, key, value):
        return reference(query, key, value, mask, scale, is_causal)

    own = reference_gradients.gradients(run, [query, key, value], upstream)
    return *own, None
