"""A small net, and the same as Caffe's file."""

import keras
import numpy as np
from keras import layers

from tests.interop import caffe_writer as caffe


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


CONV = random(6, 2, 3, 3), random(6, seed=1)
FC = random(4, 6 * 5 * 3, seed=2), random(4, seed=3)


def net():
    """A convolution of two groups, and a dense layer behind its image."""
    x = keras.Input((7, 5, 4))
    y = layers.Conv2D(6, 3, groups=2, name="stage_conv")(x)
    y = layers.Flatten(name="flatten")(y)
    y = layers.Dropout(0.5, name="drop")(y)
    return keras.Model(x, layers.Dense(4, name="fc")(y), name="net")


def write(tmp_path, *parts):
    path = tmp_path / "net.caffemodel"
    path.write_bytes(caffe.net(*parts))
    return path


def whole(conv=CONV, fc=FC):
    return (
        caffe.layer("stage/conv", map(caffe.blob, conv)),
        caffe.layer("fc", map(caffe.blob, fc), "InnerProduct"),
    )
