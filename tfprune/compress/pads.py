"""pads: layers of zeros that a convolution behind them could add itself."""

from __future__ import annotations

import keras

from tfprune.compress import graph
from tfprune.compress import traverse

_CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)


def absorbed(model: keras.Model, followers: dict) -> dict[int, keras.Layer]:
    """Finds layers of zeros that are what `padding="same"` means.

    Args:
        model: Sequential or Functional model.
        followers: What `graph.sole_followers` finds.

    Returns:
        Dict, id of a convolution to the `ZeroPadding2D` before it.
    """
    pads = [
        (followers.get(id(layer)), layer)
        for layer in traverse.leaves(model)
        if type(layer) is keras.layers.ZeroPadding2D
    ]
    return {id(conv): pad for conv, pad in pads if _are_same(pad, conv)}


def _are_same(pad, conv):
    if type(conv) not in _CONVOLUTIONS or conv.padding != "valid":
        return False
    if {pad.data_format, conv.data_format} != {"channels_last"}:
        return False
    axes = zip(
        graph.built_on(conv)[0][1:3],
        pad.padding,
        conv.kernel_size,
        conv.strides,
        conv.dilation_rate,
        strict=True,
    )
    return all(_is_same(*axis) for axis in axes)


def _is_same(padded, zeros, kernel, stride, dilation):
    """Tells whether an axis has the zeros that TensorFlow's SAME adds."""
    if padded is None:
        return False
    size = padded - sum(zeros)
    outputs = -(-size // stride)
    reach = (kernel - 1) * dilation + 1
    needed = max((outputs - 1) * stride + reach - size, 0)
    return tuple(zeros) == (needed // 2, needed - needed // 2)
