"""Streams: batches of images that are decoded while a net is trained.

Each image is resized to a square, whatever its proportions were, as Caffe does
it. Of that a window is taken: anywhere, and mirrored or not, in training; the
middle otherwise. Seeds and the number of a record decide alone which one.
"""

from __future__ import annotations

import dataclasses
import typing

import numpy as np
import tensorflow as tf

from tfprune.utils import validation


@dataclasses.dataclass(frozen=True)
class Window:
    """What is made of an image.

    Args:
        size: Integer, side to which images are resized. Defaults to 256.
        crop: Integer, side of the window. Defaults to 227.
        mean: What is subtracted: an array `(size, size, 3)`, or one number
            for each channel, red first. Defaults to 0.
        bgr: Bool: blue is the first channel, as in nets that Caffe trained.
            Defaults to False.
    """

    size: int = 256
    crop: int = 227
    mean: typing.Any = (0.0, 0.0, 0.0)
    bgr: bool = False

    def __post_init__(self):
        validation.check_count("size", self.size, 1)
        fits = isinstance(self.crop, int) and 0 < self.crop <= self.size
        validation.check("crop", self.crop, fits, f"from 1 to size={self.size}")
        shape = np.shape(self.mean)
        square = (self.size, self.size, 3)
        expected = f"3 numbers or an array of shape {square}"
        validation.check(
            "mean", f"shape {shape}", shape in ((3,), square), expected
        )

    def whole(self, encoded):
        """Returns the square image, mean subtracted, red first."""
        image = tf.io.decode_image(encoded, 3, expand_animations=False)
        image = tf.image.resize(image, (self.size, self.size))
        return image - tf.constant(np.asarray(self.mean, "float32"))

    def anywhere(self, image, seed):
        """Returns a random window, mirrored or not."""
        window = (self.crop, self.crop, 3)
        image = tf.image.stateless_random_crop(image, window, seed)
        return tf.image.stateless_random_flip_left_right(image, seed + 1)

    def middle(self, image):
        """Returns the window in the middle."""
        begin = (self.size - self.crop) // 2
        end = begin + self.crop
        return tf.ensure_shape(
            image[begin:end, begin:end], (self.crop, self.crop, 3)
        )

    def ordered(self, image):
        """Returns the channels in the order that is asked for."""
        return image[..., ::-1] if self.bgr else image


@dataclasses.dataclass(frozen=True)
class Stream:
    """Batches from a source of `records`.

    Args:
        source: Of `datasets.records`.
        window: `Window`.
        classes: Integer; a label that is not below it is an error.
    """

    source: typing.Any
    window: Window
    classes: int

    def shuffled(
        self, batch_size: int, seed: int, stage: int, begin: int
    ) -> tf.data.Dataset:
        """Returns endless training batches, as `batches.shuffled` does."""
        first = begin * batch_size
        records = self.source.shuffled(seed, stage, first)
        numbered = records.enumerate(first)

        def example(number, record):
            encoded, label = record
            key = tf.stack([number, tf.constant(2 * seed + stage, tf.int64)])
            image = self.window.anywhere(self.window.whole(encoded), key)
            return self.window.ordered(image), label

        return self._batches(numbered, example, batch_size, True)

    def in_order(self, batch_size: int = 100) -> tf.data.Dataset:
        """Returns the batches of one pass, of windows in the middle."""

        def example(encoded, label):
            image = self.window.middle(self.window.whole(encoded))
            return self.window.ordered(image), label

        return self._batches(self.source.in_order(), example, batch_size, False)

    def _batches(self, records, example, batch_size, drop_remainder):
        images = records.map(example, num_parallel_calls=tf.data.AUTOTUNE)
        if self.source.may_be_unreadable:
            images = images.ignore_errors(log_warning=True)
        checked = images.map(self._checked)
        batches = checked.batch(batch_size, drop_remainder=drop_remainder)
        return batches.prefetch(tf.data.AUTOTUNE)

    def _checked(self, image, label):
        known = tf.logical_and(label >= 0, label < self.classes)
        message = f"labels must be in [0, {self.classes}). Received: label="
        check = tf.debugging.Assert(known, [message, label])
        with tf.control_dependencies([check]):
            return image, tf.identity(label)


def unreadable(source) -> list[int]:
    """Returns the numbers of the records, in order, that can't be decoded.

    Args:
        source: Of `datasets.records`. It is read once, as fast as it goes.
    """
    # An image behind the last one tells how many there are.
    end = (tf.io.encode_png(np.zeros((1, 1, 3), "uint8")), np.int64(0))
    records = source.in_order().concatenate(tf.data.Dataset.from_tensors(end))

    def decode(number, record):
        image = tf.io.decode_image(record[0], 3, expand_animations=False)
        # What nobody asks for would not be done.
        return number + 0 * tf.cast(tf.shape(image)[0], tf.int64)

    decoded = records.enumerate().map(decode, tf.data.AUTOTUNE)
    good = [int(number) for number in decoded.ignore_errors()]
    return sorted({*range(good[-1])} - {*good})
