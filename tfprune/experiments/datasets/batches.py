"""Batches whose order is a function of (seed, stage, step) alone.

A run that resumes in the middle of a shuffled epoch sees the very batches
that the uninterrupted run would have seen.
"""

from __future__ import annotations

import tensorflow as tf

from tfprune.core import errors
from tfprune.experiments.datasets import augmentation
from tfprune.experiments.datasets import streams


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
    images, labels = map(tf.constant, split)
    size = len(split[1])
    if augment and augment not in augmentation.AUGMENTATIONS:
        known = augmentation.AUGMENTATIONS
        raise ValueError(errors.unknown("augment", augment, known))
    augmented = augmentation.AUGMENTATIONS.get(augment)

    def batch(step):
        position = step * batch_size + tf.range(batch_size, dtype=tf.int64)
        index = _shuffle(position % size, position // size, seed, stage, size)
        batch = tf.gather(images, index)
        if augment:
            key = tf.constant(seed + 2**32 * stage, tf.int64)
            batch = augmented(batch, tf.stack([key, 2 * step]))
        return tf.cast(batch, tf.float32), tf.gather(labels, index)

    steps = tf.data.Dataset.range(begin, tf.int64.max)
    return steps.map(batch).prefetch(2)


def in_order(split, batch_size: int = 1000) -> tf.data.Dataset:
    """Returns the batches of one pass in the order of the file."""
    if isinstance(split, streams.Stream):
        return split.in_order(min(batch_size, 100))
    images, labels = split
    return (
        tf.data.Dataset.from_tensor_slices((images, labels))
        .batch(batch_size)
        .map(lambda x, y: (tf.cast(x, tf.float32), y))
    )


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
