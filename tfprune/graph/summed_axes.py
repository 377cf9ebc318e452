"""summed_axes: along which axes of its kernels a layer sums."""

from __future__ import annotations

import keras

from tfprune import backend

_TRANSPOSED = (
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
)
_DEPTHWISE = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)


def summed_axes(layer, kernel) -> tuple[int, ...] | None:
    """The axes of a kernel along which its layer sums what it reads.

    Of a convolution these are its channels, within each tap of the window, and
    the window where it sums over no channels.

    Args:
        layer: Keras layer, built.
        kernel: Variable of the layer or of one inside of it.

    Returns:
        Tuple of integers, empty for a kernel in no sum, such as rows that are
        looked up. None: the last axis but one, as in most layers.
    """
    owner = _owner(layer, kernel)
    if isinstance(owner, keras.layers.EinsumDense):
        return _summed_letters(owner.equation)
    if isinstance(owner, _TRANSPOSED):
        return (-1,)
    if isinstance(owner, _DEPTHWISE) or kernel.name == "depthwise_kernel":
        return tuple(range(len(kernel.shape) - 2))
    if isinstance(owner, keras.layers.Embedding):
        # One that gives logits, too, is the kernel of a product.
        return (-1,) if getattr(owner, "tie_weights", False) else ()
    return None


def _owner(layer, kernel):
    """The innermost layer that has a variable."""
    for below in backend.sublayers(layer):
        if any(kernel is weight for weight in below.weights):
            return _owner(below, kernel)
    return layer


def _summed_letters(equation):
    """The axes of the second operand that are not in the output."""
    inputs, output = equation.split("->")
    letters = inputs.split(",")[1]
    return tuple(i for i, x in enumerate(letters) if x not in output)
