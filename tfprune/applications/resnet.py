"""ResNet-50 as its authors trained it in Caffe.

A block halves the image in its first 1x1 convolution, as that of
`keras.applications` does; names, the absence of biases, pooling and epsilon
are those of Caffe, so that its weights can be loaded.

Reference:
    He, Zhang, Ren, Sun, Deep Residual Learning for Image Recognition, CVPR
    2016.
"""

from __future__ import annotations

import keras

from tfprune.applications import imagenet

# Blocks and filters of each stage.
_STAGES = {2: (3, 64), 3: (4, 128), 4: (6, 256), 5: (3, 512)}


def ResNet50MSRA(seed: int | None = None, classes: int = 1000) -> keras.Model:
    """Builds ResNet-50, 25.6 million parameters, for 224x224 pixels.

    Args:
        seed: int, equal seeds give equal weights. Defaults to `None`, which
            follows `keras.utils.set_random_seed`.
        classes: int. Defaults to 1000.

    Returns:
        An uncompiled `keras.Model` with Caffe's names: `res2a_branch2b`,
        `bn2a_branch2b`, `fc1000`.
    """
    imagenet.set_seed(seed)
    pixels = keras.Input((224, 224, 3), name="pixels")
    x = keras.layers.ZeroPadding2D(3, name="pad1")(pixels)
    x = _conv("conv1", 64, 7, 2, "valid")(x)
    x = _normalize("bn_conv1")(x)
    x = keras.layers.ReLU(name="conv1_relu")(x)
    x = keras.layers.MaxPooling2D(3, 2, padding="same", name="pool1")(x)
    for stage, (blocks, filters) in _STAGES.items():
        for block in "abcdef"[:blocks]:
            halves = block == "a" and stage > 2
            x = _block(x, f"{stage}{block}", filters, 2 if halves else 1)
    x = keras.layers.GlobalAveragePooling2D(name="pool5")(x)
    x = keras.layers.Dense(classes, name=f"fc{classes}")(x)
    return keras.Model(pixels, x, name="resnet50_msra")


def _block(x, name, filters, strides):
    shortcut = x
    if name.endswith("a"):
        shortcut = _branch(x, f"{name}_branch1", 4 * filters, 1, strides)
    y = _branch(x, f"{name}_branch2a", filters, 1, strides)
    y = keras.layers.ReLU(name=f"res{name}_branch2a_relu")(y)
    y = _branch(y, f"{name}_branch2b", filters, 3, 1)
    y = keras.layers.ReLU(name=f"res{name}_branch2b_relu")(y)
    y = _branch(y, f"{name}_branch2c", 4 * filters, 1, 1)
    y = keras.layers.Add(name=f"res{name}")([shortcut, y])
    return keras.layers.ReLU(name=f"res{name}_relu")(y)


def _branch(x, name, filters, size, strides):
    x = _conv(f"res{name}", filters, size, strides)(x)
    return _normalize(f"bn{name}")(x)


def _conv(name, filters, size, strides, padding="same"):
    return keras.layers.Conv2D(
        filters,
        size,
        strides,
        padding=padding,
        use_bias=False,
        kernel_initializer="he_normal",
        name=name,
    )


def _normalize(name):
    return keras.layers.BatchNormalization(epsilon=1e-5, name=name)
