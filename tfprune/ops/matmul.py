"""csr_matmul: dense rows times sparse weights."""

from __future__ import annotations

import tensorflow as tf

from tfprune.ops import activations
from tfprune.ops import csr
from tfprune.ops import library
from tfprune.ops import reference_gradients


def csr_matmul(inputs, weights: csr.Csr, bias=None, activation="none"):
    """`activation(inputs @ transpose(weights) + bias)`.

    Args:
        inputs: float32 tensor of shape `(..., columns)`.
        weights: `Csr` of shape `(rows, columns)`.
        bias: float32 tensor of shape `(rows,)`. Defaults to None.
        activation: `"none"`, `"relu"`, `"relu6"`, `"gelu"`,
            `"gelu_approximate"` (by tanh) or `"silu"`. Defaults to `"none"`.

    Returns:
        float32 tensor of shape `(..., rows)`.

    Raises:
        ValueError: for an unknown activation.
        tf.errors.InvalidArgumentError: for arrays that are no matrix in
            compressed rows, or shapes that do not fit.
    """
    activations.check(activation)
    bias = tf.zeros([0]) if bias is None else bias
    ops = library.load().ops
    if ops is None:
        return reference(inputs, weights, bias, activation)
    outputs = ops.tfprune_csr_matmul(
        inputs,
        *weights[:3],
        tf.cast(weights.stamp, "int64"),
        bias,
        activation=activation,
        num_threads=library.num_threads(),
    )
    outputs.set_shape((*inputs.shape[:-1], weights.rows))
    return outputs


def reference(inputs, weights, bias, activation):
    """The same with TensorFlow's ops."""
    kernel = tf.cast(weights.to_dense(), "float32")
    outputs = tf.tensordot(inputs, kernel, [[-1], [1]])
    if bias.shape != (0,) or weights.rows == 0:
        outputs += bias
    return activations.FUSED[activation](outputs)


@tf.RegisterGradient("Tfprune>CsrMatmul")
def _gradient(op, upstream):
    x, values, columns, offsets, _, bias = op.inputs
    activation = op.get_attr("activation").decode()

    def run(x, values, bias):
        weights = csr.Csr(values, columns, offsets, tf.shape(x)[-1])
        return reference(x, weights, bias, activation)

    dx, dvalues, dbias = reference_gradients.gradients(
        run, [x, values, bias], upstream
    )
    return dx, dvalues, None, None, None, dbias
