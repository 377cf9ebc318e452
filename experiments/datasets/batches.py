"""Batches whose order is a function of (seed, stage, step) alone.

A run that resumes in the middle of a shuffled epoch sees the very batches
that the uninterrupted run would have seen.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from experiments.datasets import augmentation
from experiments.datasets import streams
from tfprune.utils import validation


def shuffled(
    split,
    batch_size: int,
    seed: int,
    stage: int,
    begin: int,
    augment: str = "",
) -> tf.data.Dataset:
    """Returns endless training batches from step `begin` of a stage on.

    Examples run through epochs without a break: a batch may hold the end of
    one epoch and the beginning of the next.

    Args:
        split: (images, labels) arrays, `(n, ...)` and `(n,)`, or a `Stream`.
        batch_size: Integer.
        seed: Integer, of the run.
        stage: Integer, number of the stage.
        begin: Integer, first step.
        augment: String, a name of `augmentation.AUGMENTATIONS`. Defaults to
            none.

    Returns:
        Dataset of (float32 images, int64 labels).
    """
    if isinstance(split, streams.Stream):
        return split.shuffled(batch_size, seed, stage, begin)
    images, labels = map(_reader, split)
    size = len(split[1])
    if augment and augment not in augmentation.AUGMENTATIONS:
        known = augmentation.AUGMENTATIONS
        raise ValueError(validation.unknown("augment", augment, known))
    augmented = augmentation.AUGMENTATIONS.get(augment)

    def batch(step):
        position = step * batch_size + tf.range(batch_size, dtype=tf.int64)
        index = _shuffle(position % size, position // size, seed, stage, size)
        batch = images(index)
        if augment:
            key = tf.constant(seed + 2**32 * stage, tf.int64)
            batch = augmented(batch, tf.stack([key, 2 * step]))
        return tf.cast(batch, tf.float32), labels(index)

    steps = tf.data.Dataset.range(begin, tf.int64.max)
    return steps.map(batch).prefetch(2)


def in_order(split, batch_size: int = 1000) -> tf.data.Dataset:
    """Returns the batches of one pass in the order of the file."""
    if isinstance(split, streams.Stream):
        return split.in_order(min(batch_size, 100))
    images, labels = map(_reader, split)
    return (
        tf.data.Dataset.range(len(split[1]))
        .batch(batch_size)
        .map(lambda index: (tf.cast(images(index), tf.float32), labels(index)))
    )


def _reader(array):
    """Returns a call that reads rows; what is on a disk stays there."""
    if not isinstance(array, np.memmap):
        array = tf.constant(array)
        return lambda index: tf.gather(array, index)

    def read(index):
        rows = tf.numpy_function(array.__getitem__, [index], array.dtype)
        return tf.ensure_shape(rows, (None, *array.shape[1:]))

    return read


def _shuffle(index, epoch, seed, stage, size):
    """Returns each example's place in its epoch's permutation."""
    keys = [
        tf.fill(tf.shape(epoch), tf.constant(k, tf.int64))
        for k in (seed, stage)
    ]
    # `index_shuffle` of the public API takes no seed for each index.
    return tf.raw_ops.RandomIndexShuffle(
        index=index,
        seed=tf.stack([*keys, epoch], axis=1),
        max_index=tf.constant(size - 1, tf.int64),
    )
