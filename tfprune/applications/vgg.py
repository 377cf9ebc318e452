"""VGG-16.

Reference:
    Simonyan, Zisserman, Very Deep Convolutional Networks for Large-Scale Image
    Recognition, ICLR 2015.
"""

from __future__ import annotations

import keras

from tfprune.applications import imagenet

# Convolutions and filters in front of each pooling.
_STAGES = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))


def VGG16(seed: int | None = None, classes: int = 1000) -> keras.Sequential:
    """Builds VGG-16, 138 million parameters, for 224x224 pixels.

    Args:
        seed: int, equal seeds give equal weights. Defaults to `None`, which
            follows `keras.utils.set_random_seed`.
        classes: int. Defaults to 1000.

    Returns:
        An uncompiled `keras.Sequential` with layers `conv1_1` to `conv5_3`
        and `fc6` to `fc8`.
    """
    imagenet.set_seed(seed)
    layers = []
    for stage, (count, filters) in enumerate(_STAGES, 1):
        names = [f"conv{stage}_{number}" for number in range(1, count + 1)]
        layers += [imagenet.conv(name, filters, 3) for name in names]
        layers.append(keras.layers.MaxPooling2D(2, name=f"pool{stage}"))
    layers.append(keras.layers.Flatten(name="flatten"))
    for number in (6, 7):
        layers += [
            keras.layers.Dense(4096, activation="relu", name=f"fc{number}"),
            keras.layers.Dropout(0.5, name=f"drop{number}"),
        ]
    layers.append(keras.layers.Dense(classes, name="fc8"))
    pixels = keras.Input((224, 224, 3), name="pixels")
    return keras.Sequential([pixels, *layers], name="vgg16")
