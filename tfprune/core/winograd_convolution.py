"""Winograd convolutions of images, in plain ops."""

from __future__ import annotations

from keras import ops

from tfprune.core import winograd


def convolve(inputs, coefficients, kernel_size: int, padding: str, groups: int):
    """Returns the convolution of images with filters given as coefficients.

    Args:
        inputs: Float tensor `(batch, height, width, channels)`.
        coefficients: Float tensor of the same dtype,
            `(M, M, channels / groups, filters)`.
        kernel_size: Integer, 3 or 5.
        padding: `"valid"` or `"same"`.
        groups: Integer, a divisor of channels and filters.

    Returns:
        Float tensor `(batch, new height, new width, filters)`. Images smaller
        than a filter give none.
    """
    height, width = (
        output_size(size, kernel_size, padding)
        for size in ops.shape(inputs)[1:3]
    )
    before = (kernel_size - 1) // 2 if padding == "same" else 0
    tiles = _overlapping(inputs, 1, height, before, kernel_size)
    tiles = _overlapping(tiles, 3, width, before, kernel_size)
    products = _products(
        winograd.input_coefficients(tiles, kernel_size), coefficients, groups
    )
    outputs = winograd.output_tiles(products, kernel_size)
    batch, rows, _, columns, _, filters = ops.shape(outputs)
    outputs = ops.reshape(
        outputs, (batch, rows * winograd.TILE, columns * winograd.TILE, filters)
    )
    return outputs[:, :height, :width]


def output_size(size, kernel_size: int, padding: str):
    """Returns rows or columns of the output; None stays None."""
    if padding == "same" or size is None:
        return size
    size = size - kernel_size + 1
    return max(size, 0) if isinstance(size, int) else ops.maximum(size, 0)


def output_shape(inputs, filters: int, kernel_size: int, padding: str):
    """Returns the output's shape for inputs of such a shape."""
    size = [output_size(x, kernel_size, padding) for x in inputs[1:3]]
    return (inputs[0], *size, filters)


def tiles(size):
    """Returns how many tiles so many rows or columns of output take."""
    return -(-size // winograd.TILE)


def _overlapping(tensor, axis, out, before, kernel_size):
    """Cuts an axis into tiles of M pixels, each 4 behind the last one.

    A tile is 4 pixels and the first ones of the 4 behind them.
    """
    sizes = list(ops.shape(tensor))
    count = tiles(out)
    padded = (count + 1) * winograd.TILE
    pad = [(0, 0)] * len(sizes)
    pad[axis] = (before, padded - before - sizes[axis])
    tensor = ops.pad(tensor, pad)
    sizes[axis : axis + 1] = [count + 1, winograd.TILE]
    pieces = ops.reshape(tensor, sizes)
    ahead = (slice(None),) * axis
    first = pieces[(*ahead, slice(0, count))]
    second = pieces[(*ahead, slice(1, count + 1), slice(0, kernel_size - 1))]
    return ops.concatenate([first, second], axis=axis + 1)


def _products(tiles, coefficients, groups):
    """Multiplies every position's tiles by its matrix, group by group."""
    *places, channels = ops.shape(tiles)
    *positions, inputs, filters = ops.shape(coefficients)
    tiles = ops.reshape(tiles, (*places, groups, channels // groups))
    matrices = ops.reshape(
        coefficients, (*positions, inputs, groups, filters // groups)
    )
    products = ops.einsum("nyaxbgc,abcgf->nyaxbgf", tiles, matrices)
    return ops.reshape(products, (*places, filters))
