"""The compiled ops and the Python functions agree on the size of outputs.

TensorFlow's C API shows no attributes to a shape function, so that Python tells
a graph what size the outputs of an op will have.
"""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from tfprune import ops
from tfprune.numerics import winograd_convolution
from tfprune.ops import library
from tfprune.ops.conv2d import Geometry
from tfprune.ops.conv2d import Pooling

SIZES = range(8)
KERNELS = (1, 2, 3, 5)
STRIDES = (1, 2, 3)

pytestmark = pytest.mark.skipif(
    library.load().ops is None, reason=library.describe()
)


def run(op, size, columns, **attributes):
    """Runs an op on an empty image; returns the size of what it gives.

    Args:
        op: One of the compiled ops.
        size: Tuple of two integers, height and width of the input.
        columns: Integer, columns of the weights.
        **attributes: Of the op.
    """
    weights = ops.Csr.from_dense(np.zeros((1, columns), "float32"))
    inputs = tf.zeros((1, *size, 1))
    nothing = [tf.zeros([0])] * (1 + ("strides" in attributes))
    outputs = op(
        inputs, *weights[:3], tf.constant(0, "int64"), *nothing, **attributes
    )
    return tuple(outputs.shape[1:3])


def convolved(size, geometry, **pooling):
    kernel_size, strides, padding, dilations, groups = geometry
    explicit = ()
    if not isinstance(padding, str):
        explicit, padding = sum(padding, ()), "EXPLICIT"
    return run(
        library.load().ops.tfprune_sparse_conv2d,
        size,
        int(np.prod(kernel_size)),
        kernel_size=kernel_size,
        strides=strides,
        padding=padding,
        explicit_paddings=explicit,
        dilations=dilations,
        groups=groups,
        **pooling,
    )


@pytest.mark.parametrize(
    "padding", ["SAME", "VALID", ((0, 0), (0, 0)), ((1, 0), (0, 2))]
)
@pytest.mark.parametrize("dilation", [1, 2])
def test_convolutions(dilation, padding):
    explicit = not isinstance(padding, str)
    for size, kernel, stride in itertools.product(SIZES, KERNELS, STRIDES):
        if explicit and (kernel - 1) * dilation < np.max(padding):
            continue  # Padding must be smaller than the dilated kernel.
        geometry = Geometry((kernel, 3), (stride, 1), padding, (dilation, 1))
        expected = geometry.output_size(size, 4)
        assert convolved((size, 4), geometry) == expected, (size, geometry)


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_pooling(padding):
    geometry = Geometry((1, 1))
    for size, window, stride in itertools.product(SIZES, KERNELS, STRIDES):
        pooling = Pooling((window, 2), (stride, 1), padding)
        got = convolved(
            (size, 4),
            geometry,
            pool_size=pooling.size,
            pool_strides=pooling.strides,
            pool_padding=pooling.padding,
        )
        expected = Geometry(*pooling).output_size(size, 4)
        assert got == expected, (size, pooling)


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("kernel_size", [3, 5])
def test_winograd(kernel_size, padding):
    for size in SIZES:
        got = run(
            library.load().ops.tfprune_sparse_winograd_conv2d,
            (size, 6),
            (kernel_size + 3) ** 2,
            kernel_size=kernel_size,
            padding=padding,
        )
        expected = winograd_convolution.output_shape(
            (1, size, 6, 1), 1, kernel_size, padding.lower()
        )
        assert got == tuple(expected[1:3]), size
