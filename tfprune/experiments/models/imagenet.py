"""Nets for ImageNet, with random weights: what their speed is measured on.

References:
    Krizhevsky, Sutskever, Hinton, ImageNet Classification with Deep
    Convolutional Neural Networks, NIPS 2012 (in CaffeNet's order: pooling
    before normalization).
    He, Zhang, Ren, Sun, Deep Residual Learning for Image Recognition, CVPR
    2016.
    Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks,
    CVPR 2018.
"""

from __future__ import annotations

import keras
import tensorflow as tf


def CaffeNet(seed: int | None = None) -> keras.Sequential:
    """Builds CaffeNet, 61 million parameters, for 227x227 pixels.

    Args:
        seed: int, equal seeds give equal weights. Defaults to `None`, which
            follows `keras.utils.set_random_seed`.

    Returns:
        An uncompiled `keras.Sequential` with layers `conv1` to `conv5` and
        `fc6` to `fc8`.
    """
    set_seed(seed)
    pixels = keras.Input((227, 227, 3), name="pixels")
    layers = [pixels, *caffenet_layers(1000)]
    return keras.Sequential(layers, name="caffenet")


def ResNet50(seed: int | None = None) -> keras.Model:
    """Builds ResNet-50, 25.6 million parameters, for 224x224 pixels.

    Args:
        seed: int, as for `CaffeNet`.
    """
    set_seed(seed)
    return keras.applications.ResNet50(weights=None, classifier_activation=None)


def MobileNetV2(seed: int | None = None) -> keras.Model:
    """Builds MobileNetV2, 3.5 million parameters, for 224x224 pixels.

    Args:
        seed: int, as for `CaffeNet`.
    """
    set_seed(seed)
    return keras.applications.MobileNetV2(
        weights=None, classifier_activation=None
    )


@keras.saving.register_keras_serializable("tfprune")
class LocalResponseNormalization(keras.layers.Layer):
    """Divides by the squares of neighbouring channels, 5 with alpha 1e-4."""

    def call(self, x):
        return tf.nn.local_response_normalization(
            x, depth_radius=2, bias=1.0, alpha=1e-4 / 5, beta=0.75
        )

    def compute_output_shape(self, input_shape):
        return input_shape


def caffenet_layers(classes: int, dropout: float = 0.0) -> list:
    """Returns the layers of CaffeNet, which has AlexNet's.

    Args:
        classes: Integer, outputs of `fc8`.
        dropout: Float, of what `fc6` and `fc7` give; 0 (default): none.
    """
    return [
        conv("conv1", 96, 11, strides=4, padding="valid"),
        *_pool_and_normalize(1),
        conv("conv2", 256, 5, groups=2),
        *_pool_and_normalize(2),
        conv("conv3", 384, 3),
        conv("conv4", 384, 3, groups=2),
        conv("conv5", 256, 3, groups=2),
        keras.layers.MaxPooling2D(3, 2, name="pool5"),
        keras.layers.Flatten(name="flatten"),
        keras.layers.Dense(4096, activation="relu", name="fc6"),
        *_dropout(dropout),
        keras.layers.Dense(4096, activation="relu", name="fc7"),
        *_dropout(dropout),
        keras.layers.Dense(classes, name="fc8"),
    ]


def set_seed(seed: int | None) -> None:
    """Makes random weights those of a seed; None leaves them to Keras."""
    if seed is not None:
        keras.utils.set_random_seed(seed)


def conv(name: str, filters: int, size: int, padding="same", **how):
    """Returns a convolution with a ReLU."""
    return keras.layers.Conv2D(
        filters, size, padding=padding, activation="relu", name=name, **how
    )


def _pool_and_normalize(number):
    return [
        keras.layers.MaxPooling2D(3, 2, name=f"pool{number}"),
        LocalResponseNormalization(name=f"norm{number}"),
    ]


def _dropout(rate):
    return [keras.layers.Dropout(rate)] if rate else []
