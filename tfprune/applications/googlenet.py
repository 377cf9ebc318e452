"""GoogLeNet, with and without the heads that help it train.

Reference:
    Szegedy et al., Going Deeper with Convolutions, CVPR 2015.
"""

from __future__ import annotations

import keras

from tfprune.applications import imagenet

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


# The modules behind which there is a head.
_HEADS = {"4a": "loss1", "4d": "loss2"}


def GoogLeNet(seed: int | None = None, classes: int = 1000) -> keras.Model:
    """Builds GoogLeNet, 7 million parameters, for 224x224 pixels.

    Args:
        seed: int, equal seeds give equal weights. Defaults to `None`, which
            follows `keras.utils.set_random_seed`.
        classes: int. Defaults to 1000.

    Returns:
        An uncompiled `keras.Model` whose convolutions are called as Caffe
        calls them, with `_` for `/`: `conv2_3x3`, `inception_3a_5x5_reduce`.
    """
    imagenet.set_seed(seed)
    pixels, outputs = _trunk()
    x = _classifier(outputs["5b"], classes)
    return keras.Model(pixels, x, name="googlenet")


def GoogLeNetHeads(seed: int | None = None, classes: int = 1000) -> keras.Model:
    """Builds GoogLeNet with its two heads, 13.4 million parameters.

    Train it with `loss_weights=[1, 0.3, 0.3]`; the model of its first output
    alone is `GoogLeNet`.

    Args:
        seed: int, as for `GoogLeNet`.
        classes: int. Defaults to 1000.

    Returns:
        An uncompiled `keras.Model` of three outputs: `loss3_classifier`,
        `loss1_classifier`, `loss2_classifier`.
    """
    imagenet.set_seed(seed)
    pixels, outputs = _trunk()
    last = _classifier(outputs["5b"], classes)
    heads = [_head(outputs[at], x, classes) for at, x in _HEADS.items()]
    return keras.Model(pixels, [last, *heads], name="googlenet_heads")


def _trunk():
    """The pixels and what each module makes of them."""
    pixels = keras.Input((224, 224, 3), name="pixels")
    x = keras.layers.ZeroPadding2D(3, name="pad1")(pixels)
    x = imagenet.conv("conv1_7x7_s2", 64, 7, strides=2, padding="valid")(x)
    x = imagenet.norm(1)(_pool("pool1")(x))
    x = imagenet.conv("conv2_3x3_reduce", 64, 1)(x)
    x = imagenet.conv("conv2_3x3", 192, 3)(x)
    x = _pool("pool2")(imagenet.norm(2)(x))
    outputs = {}
    for name, filters in _MODULES.items():
        x = _inception(x, name, *filters) if filters else _pool(name)(x)
        outputs[name] = x
    return pixels, outputs


def _classifier(x, classes):
    x = keras.layers.GlobalAveragePooling2D(name="pool5")(x)
    x = keras.layers.Dropout(0.4, name="pool5_drop")(x)
    return keras.layers.Dense(classes, name="loss3_classifier")(x)


def _head(x, name, classes):
    x = keras.layers.AveragePooling2D(5, 3, name=f"{name}_ave_pool")(x)
    x = imagenet.conv(f"{name}_conv", 128, 1)(x)
    x = keras.layers.Flatten(name=f"{name}_flatten")(x)
    x = keras.layers.Dense(1024, activation="relu", name=f"{name}_fc")(x)
    x = keras.layers.Dropout(0.7, name=f"{name}_drop_fc")(x)
    return keras.layers.Dense(classes, name=f"{name}_classifier")(x)


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
