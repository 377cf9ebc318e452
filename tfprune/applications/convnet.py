"""ConvNet: Caffe's net for CIFAR-10 (cifar10_full).

Reference:
    Krizhevsky, cuda-convnet, 2011; Jia et al., Caffe, ACM Multimedia, 2014.
"""

from __future__ import annotations

import keras
from keras import ops

from tfprune.applications import imagenet


def ConvNet(seed: int | None = None, classes: int = 10) -> keras.Sequential:
    """Builds ConvNet, 89 578 parameters, for 32x32 pixels.

    Args:
        seed: int, equal seeds give equal weights. Defaults to `None`, which
            follows `keras.utils.set_random_seed`.
        classes: int. Defaults to 10.

    Returns:
        An uncompiled `keras.Sequential` with layers `conv1` to `conv3` and
        `ip1`.
    """
    imagenet.set_seed(seed)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((32, 32, 3), name="pixels"),
            _conv("conv1", 32, 1e-4),
            layers.MaxPooling2D(3, 2, padding="same", name="pool1"),
            layers.ReLU(name="relu1"),
            SpatialResponseNormalization(name="norm1"),
            _conv("conv2", 32, 0.01, "relu"),
            layers.AveragePooling2D(3, 2, padding="same", name="pool2"),
            SpatialResponseNormalization(name="norm2"),
            _conv("conv3", 64, 0.01, "relu"),
            layers.AveragePooling2D(3, 2, padding="same", name="pool3"),
            layers.Flatten(name="flatten"),
            layers.Dense(classes, kernel_initializer=_normal(0.01), name="ip1"),
        ],
        name="convnet",
    )


@keras.saving.register_keras_serializable("tfprune")
class SpatialResponseNormalization(keras.layers.Layer):
    """Divides by the squares of neighbouring pixels, 3x3 with alpha 5e-5.

    `x * (1 + alpha * mean(x**2))**-0.75`, a mean over 9 pixels at borders, too.
    """

    def call(self, x):
        squares = ops.pad(ops.square(x), [(0, 0), (1, 1), (1, 1), (0, 0)])
        means = ops.average_pool(squares, 3, 1, "valid", "channels_last")
        return x * ops.power(1.0 + 5e-5 * means, -0.75)

    def compute_output_shape(self, input_shape):
        return input_shape


def _conv(name, filters, deviation, activation=None):
    return keras.layers.Conv2D(
        filters,
        5,
        padding="same",
        activation=activation,
        kernel_initializer=_normal(deviation),
        name=name,
    )


def _normal(deviation):
    return keras.initializers.RandomNormal(0, deviation)
