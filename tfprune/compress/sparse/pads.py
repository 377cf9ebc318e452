"""pads: layers of zeros that a convolution behind them could add itself."""

from __future__ import annotations

import keras

from tfprune.graph import model_graph
from tfprune.numerics import same_padding

_CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)


def absorbed(graph: model_graph.ModelGraph) -> dict[int, keras.Layer]:
    """Finds layers of zeros that are what `padding="same"` means.

    With strides that depends on an image's size: all must be fixed then, which
    those of layers in Sequential models are not.

    Args:
        graph: `ModelGraph` of a Sequential or Functional model.

    Returns:
        Dict, id of a convolution to the `ZeroPadding2D` before it.
    """
    pads = [
        (graph.sole_followers.get(id(layer)), layer)
        for layer in graph.leaves
        if type(layer) is keras.layers.ZeroPadding2D
    ]
    return {
        id(conv): pad
        for conv, pad in pads
        if _are_alike(pad, conv)
        and all(_are_same(pad, conv, call) for call in graph.calls[id(pad)])
    }


def _are_alike(pad, conv):
    if type(conv) not in _CONVOLUTIONS or conv.padding != "valid":
        return False
    return {pad.data_format, conv.data_format} == {"channels_last"}


def _are_same(pad, conv, call):
    """Tells whether SAME adds as many zeros, to what `call` has shapes of."""
    sizes = call[0][1:3] if call else (None, None)
    axes = zip(
        sizes,
        pad.padding,
        conv.kernel_size,
        conv.strides,
        conv.dilation_rate,
        strict=True,
    )
    return all(_is_same(*axis) for axis in axes)


def _is_same(size, zeros, kernel, stride, dilation):
    if stride > 1 and size is None:
        return False
    reach = (kernel - 1) * dilation
    return tuple(zeros) == same_padding.zeros(size, reach, stride)
