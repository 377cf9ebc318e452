"""sparse_winograd_conv2d: convolution with sparse Winograd coefficients."""

from __future__ import annotations

import tensorflow as tf

from tfprune.numerics import winograd
from tfprune.numerics import winograd_convolution
from tfprune.ops import activations
from tfprune.ops import csr
from tfprune.ops import library
from tfprune.ops import reference_gradients
from tfprune.utils import validation


def sparse_winograd_conv2d(
    inputs,
    weights: csr.Csr,
    kernel_size: int,
    padding: str = "VALID",
    groups: int = 1,
    bias=None,
    activation: str = "none",
):
    """`activation(convolution + bias)`, of stride 1.

    Args:
        inputs: float32 tensor of shape `(batch, height, width, channels)`.
        weights: `Csr` with the coefficients of one filter in each row;
            columns run over `(M, M, channels / groups)`, M = kernel_size + 3.
        kernel_size: Integer, 3 or 5, of the filters that coefficients stand
            for.
        padding: `"SAME"` or `"VALID"`. Defaults to `"VALID"`.
        groups: Integer. Defaults to 1.
        bias: float32 tensor of shape `(filters,)`. Defaults to None.
        activation: `"none"`, `"relu"`, `"relu6"`, `"gelu"`,
            `"gelu_approximate"` (by tanh) or `"silu"`. Defaults to `"none"`.

    Returns:
        float32 tensor of shape `(batch, height, width, filters)`.

    Raises:
        ValueError: for an unknown activation, padding or kernel size.
        tf.errors.InvalidArgumentError: for arrays that are no matrix in
            compressed rows, or shapes that do not fit.

    Reference:
        Li, Park, Tang. Enabling Sparse Winograd Convolution by Native
        Pruning. 2017.
    """
    activations.check(activation)
    winograd.transform(kernel_size)
    known = padding in ("SAME", "VALID")
    validation.check("padding", padding, known, "'SAME' or 'VALID'")
    bias = tf.zeros([0]) if bias is None else bias
    ops = library.load().ops
    geometry = (kernel_size, padding, groups)
    if ops is None:
        outputs = reference(inputs, weights, geometry, bias, activation)
    else:
        outputs = ops.tfprune_sparse_winograd_conv2d(
            inputs,
            *weights[:3],
            tf.cast(weights.stamp, "int64"),
            bias,
            activation=activation,
            num_threads=library.num_threads(),
            kernel_size=kernel_size,
            padding=padding,
            groups=groups,
        )
    outputs.set_shape(
        winograd_convolution.output_shape(
            inputs.shape, weights.rows, kernel_size, padding.lower()
        )
    )
    return outputs


def reference(inputs, weights, geometry, bias, activation):
    """The same with TensorFlow's ops.

    Args:
        inputs: As above.
        weights: As above.
        geometry: Tuple of kernel size, padding and groups.
        bias: float32 tensor of shape `(filters,)`, or `(0,)` for none.
        activation: As above.
    """
    kernel_size, padding, groups = geometry
    size = winograd.transform(kernel_size).size
    kernel = tf.cast(weights.to_dense(), "float32")
    kernel = tf.reshape(
        tf.transpose(kernel),
        (size, size, tf.shape(inputs)[3] // groups, tf.shape(kernel)[0]),
    )
    outputs = winograd_convolution.convolve(
        inputs, kernel, kernel_size, padding.lower(), groups
    )
    if bias.shape != (0,) or weights.rows == 0:
        outputs += bias
    return activations.FUSED[activation](outputs)


@tf.RegisterGradient("Tfprune>SparseWinogradConv2D")
def _gradient(op, upstream):
    x, values, indices, offsets, _, bias = op.inputs
    activation = op.get_attr("activation").decode()
    kernel_size, groups = op.get_attr("kernel_size"), op.get_attr("groups")
    geometry = (kernel_size, op.get_attr("padding").decode(), groups)
    size = winograd.transform(kernel_size).size
    columns = size * size * (tf.shape(x)[3] // groups)

    def run(x, values, bias):
        weights = csr.Csr(values, indices, offsets, columns)
        return reference(x, weights, geometry, bias, activation)

    dx, dvalues, dbias = reference_gradients.gradients(
        run, [x, values, bias], upstream
    )
    return dx, dvalues, None, None, None, dbias
