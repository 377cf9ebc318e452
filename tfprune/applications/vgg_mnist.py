"""A small net of 3x3 convolutions for MNIST, after VGG.

Reference:
    Simonyan, Zisserman, Very Deep Convolutional Networks for Large-Scale Image
    Recognition, ICLR 2015.
"""

from __future__ import annotations

import keras

from tfprune.applications import lenet


def VGGMnist(seed: int | None = None) -> keras.Sequential:
    """Builds four 3x3 convolutions and two dense layers, 467 818 parameters.

    Args:
        seed: int, equal seeds give equal weights. Defaults to `None`, which
            follows `keras.utils.set_random_seed`.

    Returns:
        An uncompiled `keras.Sequential` that maps pixels 0..255 to logits,
        with layers `conv1_1`, `conv1_2`, `conv2_1`, `conv2_2`, `fc1`, `fc2`.
    """
    layers = [keras.layers.Rescaling(1 / 256, name="scale")]
    for stage, filters in ((1, 32), (2, 64)):
        for number in (1, 2):
            name = f"conv{stage}_{number}"
            layers.append(
                keras.layers.Conv2D(
                    filters,
                    3,
                    padding="same",
                    activation="relu",
                    kernel_initializer=lenet.xavier(name, seed),
                    name=name,
                )
            )
        layers.append(keras.layers.MaxPooling2D(2, name=f"pool{stage}"))
    layers.append(keras.layers.Flatten(name="flatten"))
    for name, units, activation in (("fc1", 128, "relu"), ("fc2", 10, None)):
        layers.append(
            keras.layers.Dense(
                units,
                activation=activation,
                kernel_initializer=lenet.xavier(name, seed),
                name=name,
            )
        )
    pixels = keras.Input((28, 28, 1), name="pixels")
    return keras.Sequential([pixels, *layers], name="vgg_mnist")
