"""AlexNet, its copy in Caffe, and AlexNet with batch normalization.

References:
    Krizhevsky, Sutskever, Hinton, ImageNet Classification with Deep
    Convolutional Neural Networks, NIPS 2012.
    Jia et al., Caffe: Convolutional Architecture for Fast Feature Embedding,
    ACM Multimedia, 2014.
    HolmesShuan, Dynamic Network Surgery, Caffe re-implementation, 2017.
"""

from __future__ import annotations

import keras

from tfprune.applications import imagenet

# Name: filters, size, groups, whether its bias starts above 0.
_CONVOLUTIONS = {
    "conv1": (96, 11, 1, False),
    "conv2": (256, 5, 2, True),
    "conv3": (384, 3, 1, False),
    "conv4": (384, 3, 2, True),
    "conv5": (256, 3, 2, True),
}


def AlexNet(seed: int | None = None, classes: int = 1000) -> keras.Sequential:
    """Builds AlexNet, 61 million parameters, for 227x227 pixels.

    Args:
        seed: int, equal seeds give equal weights. Defaults to `None`, which
            follows `keras.utils.set_random_seed`.
        classes: int. Defaults to 1000.

    Returns:
        An uncompiled `keras.Sequential` with layers `conv1` to `conv5` and
        `fc6` to `fc8`.
    """
    imagenet.set_seed(seed)
    layers = _convolutions(0.1, lambda n: [imagenet.norm(n), imagenet.pool(n)])
    return _alexnet("alexnet", [*layers, *_dense(0.1, classes)])


def CaffeNet(seed: int | None = None, classes: int = 1000) -> keras.Sequential:
    """Builds CaffeNet: AlexNet with pooling before normalization.

    Args:
        seed: int, as for `AlexNet`.
        classes: int. Defaults to 1000.
    """
    imagenet.set_seed(seed)
    return _alexnet("caffenet", caffenet_layers(classes))


def AlexNetBN(seed: int | None = None, classes: int = 1000) -> keras.Sequential:
    """Builds AlexNet with batch normalization, for 224x224 pixels.

    It has no groups; 62 million parameters.

    Args:
        seed: int, as for `AlexNet`.
        classes: int. Defaults to 1000.
    """
    imagenet.set_seed(seed)
    layers = [
        keras.layers.ZeroPadding2D(2, name="pad1"),
        *_normalized("conv1", 4, "valid"),
        imagenet.pool(1),
        *_normalized("conv2"),
        imagenet.pool(2),
        *_normalized("conv3"),
        *_normalized("conv4"),
        *_normalized("conv5"),
        imagenet.pool(5),
        keras.layers.Flatten(name="flatten"),
    ]
    for number in (6, 7):
        dense = keras.layers.Dense(4096, name=f"fc{number}")
        drop = keras.layers.Dropout(0.5, name=f"drop{number}")
        layers += [dense, *_normalize(number), drop]
    layers.append(keras.layers.Dense(classes, name="fc8"))
    pixels = keras.Input((224, 224, 3), name="pixels")
    return keras.Sequential([pixels, *layers], name="alexnet_bn")


def caffenet_layers(classes: int) -> list:
    """The layers of CaffeNet, from windows of 227x227 pixels on.

    Args:
        classes: int, outputs of `fc8`.
    """
    layers = _convolutions(1.0, lambda n: [imagenet.pool(n), imagenet.norm(n)])
    return [*layers, *_dense(1.0, classes)]


def _alexnet(name, layers):
    pixels = keras.Input((227, 227, 3), name="pixels")
    return keras.Sequential([pixels, *layers], name=name)


def _convolutions(bias, between):
    layers = []
    for number, (name, row) in enumerate(_CONVOLUTIONS.items(), 1):
        filters, size, groups, biased = row
        first = {"strides": 4, "padding": "valid"} if number == 1 else {}
        how = _fill(0.01, bias * biased)
        layers.append(
            imagenet.conv(name, filters, size, groups=groups, **first, **how)
        )
        if number <= 2:
            layers += between(number)
    return [*layers, imagenet.pool(5)]


def _dense(bias, classes):
    layers = [keras.layers.Flatten(name="flatten")]
    for number in (6, 7):
        how = _fill(0.005, bias)
        layers += [
            keras.layers.Dense(
                4096, activation="relu", name=f"fc{number}", **how
            ),
            keras.layers.Dropout(0.5, name=f"drop{number}"),
        ]
    last = keras.layers.Dense(classes, name="fc8", **_fill(0.01, 0.0))
    return [*layers, last]


def _fill(deviation, bias):
    return {
        "kernel_initializer": keras.initializers.RandomNormal(0, deviation),
        "bias_initializer": keras.initializers.Constant(bias),
    }


def _normalized(name, strides=1, padding="same"):
    filters, size, _, _ = _CONVOLUTIONS[name]
    conv = keras.layers.Conv2D(
        filters, size, strides, padding=padding, name=name
    )
    return [conv, *_normalize(name[-1])]


def _normalize(number):
    return [
        keras.layers.BatchNormalization(epsilon=1e-5, name=f"bn{number}"),
        keras.layers.ReLU(name=f"relu{number}"),
    ]
