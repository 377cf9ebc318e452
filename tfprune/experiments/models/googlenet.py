"""GoogLeNet with random weights: what its speed is measured on.

Reference:
    Szegedy et al., Going Deeper with Convolutions, CVPR 2015.
"""

from __future__ import annotations

import keras

from tfprune.experiments.models import imagenet

# Filters of each module: 1x1, 3x3 reduced and 3x3, 5x5 reduced and 5x5, and
# behind the pooling. "pool" halves height and width.
_MODULES = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "pool3": None,
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "pool4": None,
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


def GoogLeNet(seed: int | None = None) -> keras.Model:
    """Builds GoogLeNet, 7 million parameters, for 224x224 pixels.

    The heads that help it train are not there.

    Args:
        seed: int, equal seeds give equal weights. Defaults to `None`, which
            follows `keras.utils.set_random_seed`.

    Returns:
        An uncompiled `keras.Model` whose convolutions are called as Caffe
        calls them, with `_` for `/`: `conv2_3x3`, `inception_3a_5x5_reduce`.
    """
    imagenet.set_seed(seed)
    pixels = keras.Input((224, 224, 3), name="pixels")
    x = imagenet.conv("conv1_7x7_s2", 64, 7, strides=2)(pixels)
    x = imagenet.LocalResponseNormalization(name="norm1")(_pool("pool1")(x))
    x = imagenet.conv("conv2_3x3_reduce", 64, 1)(x)
    x = imagenet.conv("conv2_3x3", 192, 3)(x)
    x = imagenet.LocalResponseNormalization(name="norm2")(x)
    x = _pool("pool2")(x)
    for name, filters in _MODULES.items():
        x = _inception(x, name, *filters) if filters else _pool(name)(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool5")(x)
    x = keras.layers.Dense(1000, name="loss3_classifier")(x)
    return keras.Model(pixels, x, name="googlenet")


def _pool(name, strides=2):
    return keras.layers.MaxPooling2D(3, strides, padding="same", name=name)


def _inception(x, module, one, reduce3, three, reduce5, five, projection):
    def conv(name, filters, size):
        return imagenet.conv(f"inception_{module}_{name}", filters, size)

    pooled = _pool(f"inception_{module}_pool", strides=1)(x)
    branches = [
        conv("1x1", one, 1)(x),
        conv("3x3", three, 3)(conv("3x3_reduce", reduce3, 1)(x)),
        conv("5x5", five, 5)(conv("5x5_reduce", reduce5, 1)(x)),
        conv("pool_proj", projection, 1)(pooled),
    ]
    name = f"inception_{module}_output"
    return keras.layers.Concatenate(name=name)(branches)
