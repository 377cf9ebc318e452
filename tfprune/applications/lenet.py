"""LeNet-300-100 and LeNet-5 as Caffe trained them on MNIST.

Both take raw pixels 0..255, which they divide by 256 themselves, and return
logits. Weights start uniform within `sqrt(3 / fan_in)`, Caffe's "xavier";
biases start at 0.

Reference:
    LeCun, Bottou, Bengio, Haffner, Gradient-Based Learning Applied to
    Document Recognition, Proceedings of the IEEE, 1998.
"""

from __future__ import annotations

import zlib

import keras


def LeNet300100(seed: int | None = None) -> keras.Sequential:
    """Builds the fully connected 784-300-100-10 net, 266 610 parameters.

    Args:
        seed: int, equal seeds give equal weights. Defaults to `None`, which
            follows `keras.utils.set_random_seed`.

    Returns:
        An uncompiled `keras.Sequential` with layers `ip1`, `ip2`, `ip3`.
    """
    layers = [
        keras.layers.Flatten(name="flatten"),
        _dense("ip1", 300, seed, activation="relu"),
        _dense("ip2", 100, seed, activation="relu"),
        _dense("ip3", 10, seed),
    ]
    return _from_pixels("lenet_300_100", layers)


def LeNet5(seed: int | None = None) -> keras.Sequential:
    """Builds Caffe's LeNet-5, 431 080 parameters, its convolutions linear.

    Args:
        seed: int, equal seeds give equal weights. Defaults to `None`, which
            follows `keras.utils.set_random_seed`.

    Returns:
        An uncompiled `keras.Sequential` with layers `conv1`, `conv2`, `ip1`,
        `ip2`.
    """
    layers = [
        _conv("conv1", 20, seed),
        keras.layers.MaxPooling2D(2, name="pool1"),
        _conv("conv2", 50, seed),
        keras.layers.MaxPooling2D(2, name="pool2"),
        keras.layers.Flatten(name="flatten"),
        _dense("ip1", 500, seed, activation="relu"),
        _dense("ip2", 10, seed),
    ]
    return _from_pixels("lenet_5", layers)


def _from_pixels(name, layers):
    pixels = keras.Input((28, 28, 1), name="pixels")
    scale = keras.layers.Rescaling(1 / 256, name="scale")
    return keras.Sequential([pixels, scale, *layers], name=name)


def _conv(name, filters, seed):
    return keras.layers.Conv2D(
        filters, 5, kernel_initializer=xavier(name, seed), name=name
    )


def _dense(name, units, seed, activation=None):
    return keras.layers.Dense(
        units,
        activation=activation,
        kernel_initializer=xavier(name, seed),
        name=name,
    )


def xavier(name, seed):
    """Gives each layer a seed of its own, from the model's and its name."""
    if seed is not None:
        seed = zlib.crc32(f"{seed}/{name}".encode())
    return keras.initializers.VarianceScaling(
        scale=1.0, mode="fan_in", distribution="uniform", seed=seed
    )
