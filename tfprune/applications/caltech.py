"""AlexNet for Caltech-256, as OLMP prunes it."""

from __future__ import annotations

import keras
from keras import ops

from tfprune.applications import alexnet
from tfprune.applications import imagenet

# Of ImageNet's pixels: red, green, blue.
_MEAN = (123.68, 116.779, 103.939)
_CLASSES = 257


def AlexNetCaltech(seed: int | None = None) -> keras.Sequential:
    """Builds AlexNet, 58 million parameters, for 256x256 raw pixels.

    In training it sees a random crop of 227x227, mirrored or not; else the
    middle.

    Args:
        seed: int, equal seeds give equal weights. Defaults to `None`, which
            follows `keras.utils.set_random_seed`.

    Returns:
        An uncompiled `keras.Sequential` with layers `conv1` to `conv5` and
        `fc6` to `fc8`, of the 256 classes and clutter.
    """
    imagenet.set_seed(seed)
    layers = [
        RandomWindow(227, name="window"),
        keras.layers.Rescaling(1.0, [-mean for mean in _MEAN], name="centre"),
        *alexnet.caffenet_layers(_CLASSES),
    ]
    pixels = keras.Input((256, 256, 3), name="pixels")
    return keras.Sequential([pixels, *layers], name="alexnet_caltech")


@keras.saving.register_keras_serializable("tfprune")
class RandomWindow(keras.layers.Layer):
    """Cuts a square out of each image, in training anywhere, mirrored or not.

    Else it is the middle. (Keras' `RandomCrop` resizes, and then all images
    of a batch are cut alike.)

    Args:
        size: Integer, side of the square.
    """

    def __init__(self, size: int, **kwargs):
        super().__init__(**kwargs)
        self.size = size
        self._seeds = keras.random.SeedGenerator()

    def call(self, x, training=False):
        height, width = x.shape[1:3]
        if not training:
            top, left = (height - self.size) // 2, (width - self.size) // 2
            return x[:, top : top + self.size, left : left + self.size]
        rows, columns = self._places(x, height), self._places(x, width)
        mirrored = keras.random.randint(
            (ops.shape(x)[0], 1), 0, 2, seed=self._seeds
        )
        columns = ops.where(
            ops.cast(mirrored, "bool"), ops.flip(columns, axis=1), columns
        )
        x = ops.take_along_axis(x, rows[:, :, None, None], axis=1)
        return ops.take_along_axis(x, columns[:, None, :, None], axis=2)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.size, self.size, input_shape[3])

    def get_config(self):
        return {**super().get_config(), "size": self.size}

    def _places(self, x, extent):
        """`size` places in a row for each image, from a random one."""
        begin = keras.random.randint(
            (ops.shape(x)[0], 1), 0, extent - self.size + 1, seed=self._seeds
        )
        return begin + ops.arange(self.size, dtype=begin.dtype)
