"""Winograd convolutions of images, in plain ops."""

from __future__ import annotations

from keras import ops

from tfprune.numerics import winograd


def convolve(inputs, coefficients, kernel_size: int, padding: str, groups: int):
    """The convolution of images with filters given as coefficients.

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
    pixels = transformed(inputs, kernel_size, padding)
    outputs = winograd.both_axes(
        winograd.transform(kernel_size).outputs,
        _products(pixels, coefficients, groups),
    )
    return _joined(outputs, _sizes(inputs, kernel_size, padding))


def transformed(inputs, kernel_size: int, padding: str):
    """What coefficients are multiplied with, B^T d B of each tile.

    Args:
        inputs: As for `convolve`.
        kernel_size: Integer, 3 or 5.
        padding: `"valid"` or `"same"`.

    Returns:
        Float tensor `(M, M, batch, rows, columns, channels)`.
    """
    sizes = _sizes(inputs, kernel_size, padding)
    before = (kernel_size - 1) // 2 if padding == "same" else 0
    pixels = _overlapping(inputs, sizes, before, kernel_size)
    return winograd.both_axes(winograd.transform(kernel_size).inputs, pixels)


def output_size(size, kernel_size: int, padding: str):
    """Rows or columns of the output; None stays None."""
    if padding == "same" or size is None:
        return size
    size = size - kernel_size + 1
    return max(size, 0) if isinstance(size, int) else ops.maximum(size, 0)


def output_shape(inputs, filters: int, kernel_size: int, padding: str):
    """The output's shape for inputs of such a shape."""
    size = [output_size(x, kernel_size, padding) for x in inputs[1:3]]
    return (inputs[0], *size, filters)


def tiles(size):
    """How many tiles so many rows or columns of output take."""
    return -(-size // winograd.TILE)


def tiles_of_image(rows: int | None, columns: int | None) -> int:
    """Tiles of an output image; sizes that are not known count as 1."""
    return tiles(rows or 1) * tiles(columns or 1)


def _sizes(inputs, kernel_size, padding):
    """Rows and columns of the output."""
    return tuple(
        output_size(size, kernel_size, padding)
        for size in ops.shape(inputs)[1:3]
    )


def _overlapping(images, sizes, before, kernel_size):
    """Cuts images into tiles of MxM pixels, each 4 behind the last one.

    A tile is 4 pixels and the first ones of the 4 behind them.

    Returns:
        Tensor `(M, M, batch, rows, columns, channels)`.
    """
    batch, *old, channels = ops.shape(images)
    counts = [tiles(size) + 1 for size in sizes]
    pads = [
        (before, count * winograd.TILE - before - size)
        for count, size in zip(counts, old, strict=True)
    ]
    images = ops.pad(images, [(0, 0), *pads, (0, 0)])
    rows, columns = counts
    cut = (batch, rows, winograd.TILE, columns, winograd.TILE, channels)
    cut = ops.transpose(ops.reshape(images, cut), (2, 4, 0, 1, 3, 5))
    more = kernel_size - 1
    cut = ops.concatenate([cut[:, :, :, :-1], cut[:more, :, :, 1:]], axis=0)
    first, second = cut[..., :-1, :], cut[:, :more, ..., 1:, :]
    return ops.concatenate([first, second], axis=1)


def _products(pixels, coefficients, groups):
    """Multiplies every position's tiles by its matrix, group by group."""
    *positions, batch, rows, columns, channels = ops.shape(pixels)
    inputs, filters = ops.shape(coefficients)[2:]
    pixels = ops.reshape(
        pixels, (*positions, batch * rows * columns, groups, inputs)
    )
    matrices = ops.reshape(
        coefficients, (*positions, inputs, groups, filters // groups)
    )
    products = ops.swapaxes(
        ops.matmul(ops.swapaxes(pixels, 2, 3), ops.swapaxes(matrices, 2, 3)),
        2,
        3,
    )
    return ops.reshape(products, (*positions, batch, rows, columns, filters))


def _joined(outputs, sizes):
    """Puts tiles of 4x4 pixels `(4, 4, batch, rows, columns, filters)` back."""
    *_, batch, rows, columns, filters = ops.shape(outputs)
    height, width = rows * winograd.TILE, columns * winograd.TILE
    outputs = ops.transpose(outputs, (2, 3, 0, 4, 1, 5))
    outputs = ops.reshape(outputs, (batch, height, width, filters))
    return outputs[:, : sizes[0], : sizes[1]]
