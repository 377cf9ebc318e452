"""sparse_conv2d: convolution with sparse filters."""

from __future__ import annotations

import typing

import tensorflow as tf

from tfprune.ops import activations
from tfprune.ops import csr
from tfprune.ops import library
from tfprune.ops import reference_gradients
from tfprune.utils import validation


class Pooling(typing.NamedTuple):
    """Max pooling of what a convolution gives.

    Args:
        size: Two integers, height and width of a window.
        strides: Two integers.
        padding: `"SAME"` or `"VALID"`. Defaults to `"VALID"`.
    """

    size: tuple
    strides: tuple
    padding: str = "VALID"


class Geometry(typing.NamedTuple):
    """How filters meet the input.

    Args:
        kernel_size: Two integers, height and width.
        strides: Two integers. Defaults to 1.
        padding: `"SAME"`, `"VALID"`, or numbers of zeros
            `((top, bottom), (left, right))`, each smaller than the dilated
            kernel. Defaults to `"VALID"`.
        dilations: Two integers. Defaults to 1.
        groups: Integer. Defaults to 1.
    """

    kernel_size: tuple
    strides: tuple = (1, 1)
    padding: typing.Any = "VALID"
    dilations: tuple = (1, 1)
    groups: int = 1

    def output_size(self, height, width) -> tuple:
        """Height and width of the output; None stays None."""
        explicit = ((0, 0), (0, 0))
        if not isinstance(self.padding, str):
            explicit = self.padding
        return tuple(
            _output_size(*axis, same=self.padding == "SAME")
            for axis in zip(
                (height, width),
                self.kernel_size,
                self.strides,
                self.dilations,
                map(sum, explicit),
                strict=True,
            )
        )


def sparse_conv2d(
    inputs,
    weights: csr.Csr,
    geometry: Geometry,
    bias=None,
    residual=None,
    activation: str = "none",
    pooling: Pooling | None = None,
):
    """`pool(activation(convolution + bias + residual))`.

    Args:
        inputs: float32 tensor of shape `(batch, height, width, channels)`.
        weights: `Csr` with one filter in each row; columns run over
            `(kernel height, kernel width, channels / groups)`.
        geometry: `Geometry`.
        bias: float32 tensor of shape `(filters,)`. Defaults to None.
        residual: float32 tensor of the output's shape; not together with
            `pooling`. Defaults to None.
        activation: `"none"`, `"relu"`, `"relu6"`, `"gelu"`,
            `"gelu_approximate"` (by tanh) or `"silu"`. Defaults to `"none"`.
        pooling: `Pooling`. Defaults to None.

    Returns:
        float32 tensor of shape `(batch, height, width, filters)`.

    Raises:
        ValueError: for an unknown activation or padding, or a residual
            together with pooling.
        tf.errors.InvalidArgumentError: for arrays that are no matrix in
            compressed rows, or shapes that do not fit.

    Reference:
        Park et al. Faster CNNs with Direct Sparse Convolutions and Guided
        Pruning. ICLR 2017.
    """
    activations.check(activation)
    _check_padding(geometry.padding)
    if residual is not None and pooling is not None:
        raise ValueError(
            "`residual` must be None where `pooling` is given: pool behind an "
            "addition by itself. Received: both"
        )
    bias = tf.zeros([0]) if bias is None else bias
    residual = tf.zeros([0]) if residual is None else residual
    ops = library.load().ops
    if ops is None:
        outputs = reference(
            inputs, weights, geometry, bias, residual, activation, pooling
        )
    else:
        outputs = ops.tfprune_sparse_conv2d(
            inputs,
            *weights[:3],
            tf.cast(weights.stamp, "int64"),
            bias,
            residual,
            activation=activation,
            num_threads=library.num_threads(),
            **_attributes(geometry),
            **_pooling_attributes(pooling),
        )
    outputs.set_shape(_shape(inputs, weights, geometry, pooling))
    return outputs


def _shape(inputs, weights, geometry, pooling):
    size = geometry.output_size(*inputs.shape[1:3])
    if pooling is not None:
        size = Geometry(*pooling).output_size(*size)
    return (inputs.shape[0], *size, weights.rows)


def _output_size(size, kernel, stride, dilation, padding, same):
    if size is None:
        return None
    reach = 1 if same else (kernel - 1) * dilation + 1
    return max((size + padding - reach) // stride + 1, 0)


def _check_padding(padding):
    if isinstance(padding, str) and padding not in ("SAME", "VALID"):
        known = ("SAME", "VALID", "((top, bottom), (left, right))")
        raise ValueError(validation.unknown("padding", padding, known))


def _attributes(geometry):
    attributes = geometry._asdict()
    if not isinstance(geometry.padding, str):
        attributes["explicit_paddings"] = sum(map(tuple, geometry.padding), ())
        attributes["padding"] = "EXPLICIT"
    return attributes


def _pooling_attributes(pooling):
    if pooling is None:
        return {}
    return {f"pool_{name}": value for name, value in pooling._asdict().items()}


def reference(inputs, weights, geometry, bias, residual, activation, pooling):
    """The same with TensorFlow's ops."""
    kernel = tf.cast(weights.to_dense(), "float32")
    channels = tf.shape(inputs)[3] // geometry.groups
    kernel = tf.reshape(
        tf.transpose(kernel),
        (*geometry.kernel_size, channels, tf.shape(kernel)[0]),
    )
    outputs = convolve(inputs, kernel, geometry)
    if bias.shape != (0,) or weights.rows == 0:
        outputs += bias
    if residual.shape != (0,):
        outputs += residual
    outputs = activations.FUSED[activation](outputs)
    if pooling is not None:
        outputs = tf.nn.max_pool2d(outputs, *pooling)
    return outputs


def convolve(inputs, kernel, geometry):
    """TensorFlow's own convolution with a dense kernel."""
    if 0 in (*inputs.shape, *kernel.shape):
        # TensorFlow refuses some of these, and mistakes the shape of others.
        size = geometry.output_size(*inputs.shape[1:3])
        return tf.zeros((tf.shape(inputs)[0], *size, kernel.shape[3]))
    padding = geometry.padding
    if not isinstance(padding, str):
        inputs = tf.pad(inputs, ((0, 0), *padding, (0, 0)))
        padding = "VALID"
    kernel = _dilated(kernel, geometry.dilations)
    pieces = zip(
        tf.split(inputs, geometry.groups, axis=3),
        tf.split(kernel, geometry.groups, axis=3),
        strict=True,
    )
    outputs = [
        tf.nn.conv2d(*piece, geometry.strides, padding) for piece in pieces
    ]
    return tf.concat(outputs, axis=3)


def _dilated(kernel, dilations):
    """Writes out the zeros: TensorFlow has no strided dilated convolution."""
    for axis, rate in enumerate(dilations):
        shape = tf.unstack(tf.shape(kernel))
        kernel = tf.expand_dims(kernel, axis + 1)
        zeros = [(0, 0)] * 5
        zeros[axis + 1] = (0, rate - 1)
        shape[axis] *= rate
        kernel = tf.reshape(tf.pad(kernel, zeros), shape)
    height, width = (rate - 1 for rate in dilations)
    shape = tf.shape(kernel)
    return kernel[: shape[0] - height, : shape[1] - width]


@tf.RegisterGradient("Tfprune>SparseConv2D")
def _gradient(op, upstream):
    x, values, indices, offsets, _, bias, residual = op.inputs
    geometry, pooling = _read_attributes(op)
    activation = op.get_attr("activation").decode()
    height, width = geometry.kernel_size
    columns = height * width * (tf.shape(x)[3] // geometry.groups)

    def run(x, values, bias, residual):
        weights = csr.Csr(values, indices, offsets, columns)
        return reference(
            x, weights, geometry, bias, residual, activation, pooling
        )

    dx, dvalues, dbias, dresidual = reference_gradients.gradients(
        run, [x, values, bias, residual], upstream
    )
    return dx, dvalues, None, None, None, dbias, dresidual


def _read_attributes(op):
    names = ("kernel_size", "strides", "padding", "dilations", "groups")
    values = {name: op.get_attr(name) for name in names}
    values["padding"] = values["padding"].decode()
    if values["padding"] == "EXPLICIT":
        top, bottom, left, right = op.get_attr("explicit_paddings")
        values["padding"] = ((top, bottom), (left, right))
    pooling = None
    if op.get_attr("pool_size"):
        pooling = Pooling(
            op.get_attr("pool_size"),
            op.get_attr("pool_strides"),
            op.get_attr("pool_padding").decode(),
        )
    return Geometry(**values), pooling
