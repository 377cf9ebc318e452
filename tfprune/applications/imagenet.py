"""Nets for ImageNet of `keras.applications`, and what others are made of.

References:
    He, Zhang, Ren, Sun, Deep Residual Learning for Image Recognition, CVPR
    2016.
    Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks,
    CVPR 2018.
"""

from __future__ import annotations

import keras

from tfprune.layers import local_response_normalization


def ResNet50(seed: int | None = None) -> keras.Model:
    """Builds ResNet-50, 25.6 million parameters, for 224x224 pixels.

    Args:
        seed: int, equal seeds give equal weights. Defaults to `None`, which
            follows `keras.utils.set_random_seed`.
    """
    set_seed(seed)
    return keras.applications.ResNet50(weights=None, classifier_activation=None)


def MobileNetV2(seed: int | None = None) -> keras.Model:
    """Builds MobileNetV2, 3.5 million parameters, for 224x224 pixels.

    Args:
        seed: int, as for `ResNet50`.
    """
    set_seed(seed)
    return keras.applications.MobileNetV2(
        weights=None, classifier_activation=None
    )


def set_seed(seed: int | None) -> None:
    """Makes random weights those of a seed; None leaves them to Keras."""
    if seed is not None:
        keras.utils.set_random_seed(seed)


def conv(name: str, filters: int, size: int, padding="same", **how):
    """A convolution with a ReLU."""
    return keras.layers.Conv2D(
        filters, size, padding=padding, activation="relu", name=name, **how
    )


def pool(number: int) -> keras.layers.Layer:
    """AlexNet's pooling."""
    return keras.layers.MaxPooling2D(3, 2, name=f"pool{number}")


def norm(number: int) -> keras.layers.Layer:
    """The normalization of AlexNet and GoogLeNet."""
    kind = local_response_normalization.LocalResponseNormalization
    return kind(name=f"norm{number}")
