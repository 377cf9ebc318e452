"""Positions: how often a forward pass uses each weight of a layer."""

from __future__ import annotations

import keras

from tfprune.graph import model_graph
from tfprune.layers import winograd_conv2d
from tfprune.utils import counts


def positions(layer: keras.layers.Layer, shapes: list | None) -> int:
    """Returns how often one call uses each weight, for one example.

    That is output pixels of a convolution, tiles of one in the Winograd
    domain, input pixels of a transposed one, time steps of a recurrent layer,
    tokens of a dense one. What is not known counts as 1.

    Args:
        layer: Keras layer, built.
        shapes: List of input shapes, or None for those it was built on.
    """
    shapes = shapes or model_graph.built_on(layer)
    if isinstance(layer, keras.layers.EinsumDense):
        return _einsum_positions(layer, shapes)
    if isinstance(layer, winograd_conv2d.WinogradConv2D):
        return layer.tiles(shapes[0])
    if "Transpose" in type(layer).__name__:
        return counts.positions(shapes[0], shapes[0][_channels(layer)])
    output = _output(layer, shapes)
    pixels = counts.positions(output, output[_channels(layer)] or 1)
    last_only = getattr(layer, "return_sequences", True) is False
    steps = shapes[0][1] if last_only and shapes else 1
    return pixels * (steps or 1)


def is_unknown(layer: keras.layers.Layer, shapes: list | None) -> bool:
    """Tells whether there are sizes that only a call settles."""
    shapes = shapes or model_graph.built_on(layer)
    return any(None in s[1:] for s in [*shapes, _output(layer, shapes)])


def _output(layer, shapes):
    """The output shape; of one size, not known, if the layer can't tell."""
    try:
        return model_graph.first(layer.compute_output_shape(*shapes))
    except (NotImplementedError, TypeError, ValueError, IndexError):
        return (None, None)


def _einsum_positions(layer, shapes):
    """The product of the output sizes that the kernel does not have."""
    inputs, output = layer.equation.split("->")
    kernel = inputs.split(",")[1]
    sizes = _output(layer, shapes)[1:]
    free = [
        size
        for letter, size in zip(output[::-1], sizes[::-1], strict=False)
        if letter not in kernel
    ]
    return counts.positions((None, *free), 1)


def _channels(layer):
    """The axis of the channels, counted from the end."""
    first = getattr(layer, "data_format", None) == "channels_first"
    return -1 - layer.rank if first else -1
