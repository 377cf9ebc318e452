"""Augmentation whose chance is a function of (seed, stage, step) alone."""

from __future__ import annotations

import tensorflow as tf

_BORDER = 4


def crop_and_flip(images, seed):
    """Moves each image by up to 4 pixels, zeros behind, and mirrors half.

    Args:
        images: Tensor, `(batch, height, width, channels)`.
        seed: Integer tensor, `(2,)`: equal seeds give equal images.

    Reference:
        He, Zhang, Ren, Sun. Deep Residual Learning for Image Recognition.
        CVPR 2016 (what it does to CIFAR-10).
    """
    shape = tf.shape(images)
    border = (_BORDER, _BORDER)
    padded = tf.pad(images, ((0, 0), border, border, (0, 0)))
    shifts = tf.random.stateless_uniform(
        (2, shape[0], 1), seed, 0, 2 * _BORDER + 1, tf.int32
    )
    rows = shifts[0] + tf.range(shape[1])
    columns = shifts[1] + tf.range(shape[2])
    mirrored = tf.random.stateless_uniform((shape[0], 1), seed + 1) < 0.5
    columns = tf.where(mirrored, columns[:, ::-1], columns)
    moved = tf.gather(padded, rows, axis=1, batch_dims=1)
    return tf.gather(moved, columns, axis=2, batch_dims=1)


AUGMENTATIONS = {"crop_and_flip": crop_and_flip}
