"""ResNet-20, ResNet-56 and VGG-16 for CIFAR-10: 32x32 pixels, ten classes.

All take raw pixels 0..255, which they scale themselves, and return logits.

References:
    He, Zhang, Ren, Sun, Deep Residual Learning for Image Recognition, CVPR
    2016. Shortcuts that change shape are 1x1 convolutions here.
    Simonyan, Zisserman, Very Deep Convolutional Networks for Large-Scale
    Image Recognition, ICLR 2015. With normalizations and one dense layer of
    512, as the pruning literature has it.
"""

from __future__ import annotations

import keras

from tfprune.applications import imagenet

_VGG16 = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))


def ResNet20(seed: int | None = None) -> keras.Model:
    """Builds ResNet-20: 3 stages of 3 blocks of two 3x3 convolutions.

    Args:
        seed: int, equal seeds give equal weights. Defaults to `None`, which
            follows `keras.utils.set_random_seed`.

    Returns:
        As of `resnet`.
    """
    return resnet("resnet20", 3, seed)


def ResNet56(seed: int | None = None) -> keras.Model:
    """Builds ResNet-56: 3 stages of 9 blocks.

    Args:
        seed: int, as for `ResNet20`.

    Returns:
        As of `resnet`.
    """
    return resnet("resnet56", 9, seed)


def resnet(name: str, blocks: int, seed: int | None) -> keras.Model:
    """Builds a ResNet of 3 stages.

    Args:
        name: str, of the model.
        blocks: int, of each stage.
        seed: int, as for `ResNet20`.

    Returns:
        An uncompiled `keras.Model`; the convolutions of block 3 of stage 2
        are `stage2_block3_1_conv` and `stage2_block3_2_conv`.
    """
    imagenet.set_seed(seed)
    pixels = keras.Input((32, 32, 3), name="pixels")
    x = keras.layers.Rescaling(1 / 64, -2.0, name="scale")(pixels)
    x = keras.layers.ReLU(name="relu")(_normalized(x, "stem", 16))
    for stage, filters in enumerate((16, 32, 64), start=1):
        for block in range(1, blocks + 1):
            strides = 2 if stage > 1 and block == 1 else 1
            x = _block(x, f"stage{stage}_block{block}_", filters, strides)
    x = keras.layers.GlobalAveragePooling2D(name="means")(x)
    logits = keras.layers.Dense(10, name="logits")(x)
    return keras.Model(pixels, logits, name=name)


def VGG16Cifar10(seed: int | None = None) -> keras.Sequential:
    """Builds VGG-16 with normalizations, 15 million parameters.

    Args:
        seed: int, as for `ResNet20`.

    Returns:
        An uncompiled `keras.Sequential` with layers `conv1_1` to `conv5_3`,
        `hidden` and `logits`.
    """
    imagenet.set_seed(seed)
    layers = [keras.layers.Rescaling(1 / 64, -2.0, name="scale")]
    for stage, (filters, count) in enumerate(_VGG16, start=1):
        for number in range(1, count + 1):
            name = f"{stage}_{number}"
            layers += [
                _conv(f"conv{name}", filters),
                keras.layers.BatchNormalization(name=f"norm{name}"),
                keras.layers.ReLU(name=f"relu{name}"),
            ]
        layers.append(keras.layers.MaxPooling2D(2, name=f"pool{stage}"))
    layers += [
        keras.layers.Flatten(name="flatten"),
        keras.layers.Dense(512, activation="relu", name="hidden"),
        keras.layers.Dropout(0.5, name="dropout"),
        keras.layers.Dense(10, name="logits"),
    ]
    pixels = keras.Input((32, 32, 3), name="pixels")
    return keras.Sequential([pixels, *layers], name="vgg16_cifar10")


def _block(x, name, filters, strides):
    y = _normalized(x, f"{name}1", filters, strides)
    y = keras.layers.ReLU(name=f"{name}relu1")(y)
    y = _normalized(y, f"{name}2", filters)
    if strides > 1:
        x = _normalized(x, f"{name}shortcut", filters, strides, size=1)
    y = keras.layers.Add(name=f"{name}add")([x, y])
    return keras.layers.ReLU(name=f"{name}relu2")(y)


def _normalized(x, name, filters, strides=1, size=3):
    """A convolution behind a tensor, and its normalization."""
    x = _conv(f"{name}_conv", filters, strides, size)(x)
    return keras.layers.BatchNormalization(name=f"{name}_norm")(x)


def _conv(name, filters, strides=1, size=3):
    return keras.layers.Conv2D(
        filters,
        size,
        strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=name,
    )
