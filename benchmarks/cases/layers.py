"""Single layers with random weights, as the benchmarks of kernels run them."""

from __future__ import annotations

import dataclasses
import functools
import math
import pathlib

import numpy as np
import tensorflow as tf

from benchmarks.cases import shapes
from tfprune import ops
from tfprune.numerics import winograd
from tfprune.numerics import winograd_convolution
from tfprune.ops.conv2d import Geometry


@dataclasses.dataclass(frozen=True)
class Problem:
    """A layer with weights and an input.

    Args:
        layer: `shapes.Convolution` or `shapes.Product`.
        sparsity: Float; zeros are where they fall, the worst case for all
            that hope for structure.
        batch: Integer.
    """

    layer: shapes.Convolution | shapes.Product
    sparsity: float
    batch: int

    domain = "spatial"

    @property
    def is_product(self) -> bool:
        return isinstance(self.layer, shapes.Product)

    @property
    def geometry(self) -> Geometry:
        layer = self.layer
        return Geometry(
            (layer.kernel,) * 2,
            (layer.stride,) * 2,
            layer.padding,
            groups=layer.groups,
        )

    @functools.cached_property
    def matrix(self):
        """Weights, a row for each filter or output."""
        rng = np.random.default_rng(0)
        shape = self.layer.rows, self.layer.columns
        matrix = rng.normal(size=shape).astype("float32")
        matrix[rng.random(shape) < self.sparsity] = 0
        return matrix

    @functools.cached_property
    def x(self):
        rng = np.random.default_rng(1)
        shape = self.batch, *self.layer.input_shape
        return rng.normal(size=shape).astype("float32")

    @property
    def pixels(self) -> int:
        """Outputs of a filter."""
        if self.is_product:
            return self.batch
        size = self.geometry.output_size(self.layer.size, self.layer.size)
        return self.batch * math.prod(size)

    @property
    def weights(self) -> int:
        """How many there are, zeros among them."""
        return self.layer.rows * self.layer.columns

    @property
    def flops(self) -> int:
        """Of the dense layer."""
        return 2 * self.pixels * self.weights

    def dense(self, x):
        """Returns what TensorFlow's dense layer gives."""
        if self.is_product:
            return tf.matmul(x, self._dense_weights)
        layer = self.layer
        return tf.nn.conv2d(x, self._dense_weights, layer.stride, layer.padding)

    def sparse(self, x):
        """Returns what the sparse layer gives."""
        if self.is_product:
            return ops.csr_matmul(x, self._sparse_weights)
        return ops.sparse_conv2d(x, self._sparse_weights, self.geometry)

    @functools.cached_property
    def _dense_weights(self):
        weights = np.ascontiguousarray(self.matrix.T)
        if not self.is_product:
            weights = weights.reshape(
                *self.geometry.kernel_size, -1, self.layer.rows
            )
        return tf.constant(weights)

    @functools.cached_property
    def _sparse_weights(self):
        return ops.Csr.from_dense(self.matrix)


class WinogradProblem(Problem):
    """A convolution with sparse coefficients."""

    domain = "winograd"

    @functools.cached_property
    def coefficients(self):
        """Those of random filters, some of them zero."""
        layer, rng = self.layer, np.random.default_rng(0)
        size = (layer.kernel, layer.kernel, layer.channels // layer.groups)
        weights = rng.normal(size=(*size, layer.filters))
        u = np.array(winograd.coefficients(weights, layer.kernel))
        return (u * (rng.random(u.shape) >= self.sparsity)).astype("float32")

    @functools.cached_property
    def matrix(self):
        """A row of coefficients for each filter."""
        return self.coefficients.reshape(-1, self.layer.filters).T

    @property
    def weights(self) -> int:
        return self.coefficients.size

    @property
    def tiles(self) -> int:
        """Of all images."""
        height, _ = self.geometry.output_size(*[self.layer.size] * 2)
        return self.batch * winograd_convolution.tiles(height) ** 2

    @property
    def flops(self) -> int:
        """Of the products, if no coefficient were zero."""
        return 2 * self.tiles * self.weights

    def dense(self, x):
        """Returns the layer's output, by double precision."""
        return winograd_convolution.convolve(
            tf.cast(x, "float64"),
            tf.constant(self.coefficients, "float64"),
            self.layer.kernel,
            self.layer.padding.lower(),
            self.layer.groups,
        )

    def sparse(self, x):
        """Returns what the sparse layer gives."""
        return ops.sparse_winograd_conv2d(
            x,
            ops.Csr.from_dense(self.matrix),
            self.layer.kernel,
            self.layer.padding,
            self.layer.groups,
        )

    def error(self) -> float:
        """Returns the greatest error, over the greatest output."""
        x = self.x[:1]
        exact = self.dense(x).numpy()
        return float(
            np.abs(self.sparse(x).numpy() - exact).max() / np.abs(exact).max()
        )


def write(problem: Problem, path) -> None:
    """Writes a layer for `engines/server.py`; a dense one for LiteRT, too."""
    layer, fields = problem.layer, {}
    if not problem.is_product:
        geometry = [layer.kernel, layer.stride, layer.groups]
        fields = {"geometry": geometry, "pads": _pads(problem)}
    np.savez(
        path,
        matrix=problem.matrix,
        domain=problem.domain,
        x=problem.x,
        y=problem.dense(problem.x).numpy(),
        **fields,
    )
    if problem.sparsity == 0:
        pathlib.Path(path).with_suffix(".tflite").write_bytes(_lite(problem))


def _pads(problem):
    """Returns the zeros at top, left, bottom and right."""
    layer = problem.layer
    if layer.padding != "SAME":
        return [0] * 4
    height, _ = problem.geometry.output_size(layer.size, layer.size)
    zeros = max((height - 1) * layer.stride + layer.kernel - layer.size, 0)
    return [zeros // 2] * 2 + [zeros - zeros // 2] * 2


def _lite(problem):
    spec = tf.TensorSpec(problem.x.shape)
    layer = tf.Module()
    layer.call = tf.function(problem.dense, input_signature=[spec])
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [layer.call.get_concrete_function()], layer
    )
    return converter.convert()
