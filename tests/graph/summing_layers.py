"""Layers of all kinds, and along which axes of their kernels they sum."""

import keras
from keras import layers


def attention(*arguments):
    def call(x):
        return layers.MultiHeadAttention(*arguments, name="layer")(x, x)

    return call


def grouped_attention(x):
    return layers.GroupQueryAttention(4, 4, 2, name="layer")(x, x)


INPUTS = (-2,)
CELL = {"kernel": INPUTS, "recurrent_kernel": INPUTS}
# The shape that a layer takes, the layer, and the axes of each kernel: by hand.
LAYERS = {
    "dense": ((8,), layers.Dense(3), {"kernel": INPUTS}),
    "conv1d": ((9, 4), layers.Conv1D(3, 3), {"kernel": INPUTS}),
    "conv2d": ((6, 6, 8), layers.Conv2D(4, 3, groups=2), {"kernel": INPUTS}),
    "conv3d": ((4, 4, 4, 4), layers.Conv3D(3, 2), {"kernel": INPUTS}),
    "conv1d_transpose": (
        (6, 8),
        layers.Conv1DTranspose(3, 3),
        {"kernel": (2,)},
    ),
    "conv2d_transpose": (
        (6, 6, 8),
        layers.Conv2DTranspose(4, 3),
        {"kernel": (3,)},
    ),
    "conv3d_transpose": (
        (3, 3, 3, 4),
        layers.Conv3DTranspose(3, 2),
        {"kernel": (4,)},
    ),
    "depthwise_conv1d": (
        (9, 3),
        layers.DepthwiseConv1D(8, depth_multiplier=2),
        {"kernel": (0,)},
    ),
    "depthwise_conv2d": (
        (6, 6, 3),
        layers.DepthwiseConv2D((2, 4)),
        {"kernel": (0, 1)},
    ),
    "separable_conv1d": (
        (9, 4),
        layers.SeparableConv1D(3, 4),
        {"depthwise_kernel": (0,), "pointwise_kernel": INPUTS},
    ),
    "separable_conv2d": (
        (6, 6, 4),
        layers.SeparableConv2D(3, 2),
        {"depthwise_kernel": (0, 1), "pointwise_kernel": INPUTS},
    ),
    "einsum_one_axis": (
        (5, 8),
        layers.EinsumDense("abc,cde->abde", (5, 3, 2)),
        {"kernel": (0,)},
    ),
    "einsum_two_axes": (
        (2, 2, 6),
        layers.EinsumDense("abcd,cde->abe", (2, 5)),
        {"kernel": (0, 1)},
    ),
    "einsum_apart": (
        (6, 2),
        layers.EinsumDense("abc,bdc->ad", (3,)),
        {"kernel": (0, 2)},
    ),
    "einsum_last": (
        (5, 8),
        layers.EinsumDense("...x,yx->...y", (3,)),
        {"kernel": (1,)},
    ),
    "simple_rnn": ((5, 8), layers.SimpleRNN(4), CELL),
    "lstm": ((5, 8), layers.LSTM(4), CELL),
    "stacked_cells": (
        (5, 8),
        layers.RNN([layers.GRUCell(4), layers.LSTMCell(8)]),
        CELL,
    ),
    "conv_lstm": ((3, 4, 4, 4), layers.ConvLSTM2D(4, 2), CELL),
    "bidirectional": ((5, 8), layers.Bidirectional(layers.GRU(4)), CELL),
    "time_distributed": (
        (5, 6, 8),
        layers.TimeDistributed(layers.Conv1DTranspose(3, 3)),
        {"kernel": (2,)},
    ),
    "attention": (
        (5, 8),
        attention(2, 4),
        {
            "query/kernel": (0,),
            "key/kernel": (0,),
            "value/kernel": (0,),
            "attention_output/kernel": (0, 1),
        },
    ),
    "attention_between_axes": (
        (5, 8),
        attention(4, 3),
        {"kernel": (0,), "attention_output/kernel": (0, 1)},
    ),
    "grouped_attention": (
        (5, 8),
        grouped_attention,
        {"kernel": (0,), "attention_output/kernel": (0, 1)},
    ),
}


def net(kind):
    """A model of one layer, with the name `layer`."""
    shape, layer, _ = LAYERS[kind]
    keras.utils.set_random_seed(1)
    if isinstance(layer, layers.Layer):
        config = {**layer.get_config(), "name": "layer"}
        layer = type(layer).from_config(config)
    inputs = keras.Input(shape)
    return keras.Model(inputs, layer(inputs))


def axes_of(kind, variable):
    """The axes of a kernel, counted from 0."""
    known = LAYERS[kind][2]
    ends = [end for end in known if f"/{variable.path}".endswith(f"/{end}")]
    rank = len(variable.shape)
    return tuple(axis % rank for axis in known[max(ends, key=len)])
