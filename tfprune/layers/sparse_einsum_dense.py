"""SparseEinsumDense: an EinsumDense layer whose kernel is sparse."""

from __future__ import annotations

import math

import keras

from tfprune import backend
from tfprune.layers import sparse
from tfprune.numerics import equations
from tfprune.ops import csr_matmul
from tfprune.utils import validation


@keras.saving.register_keras_serializable(package="tfprune")
class SparseEinsumDense(sparse.Sparse):
    """Computes `activation(einsum(equation, inputs, kernel) + bias)`.

    The kernel is a matrix: the axes that are summed over are its columns, those
    that it makes are its rows. The projections of attention are such layers.

    Args:
        equation: String, as of `keras.layers.EinsumDense`. Each axis of the
            kernel is either one of the inputs or one of the outputs.
        output_shape: Tuple of integers, without the batch; None for what
            the inputs determine.
        nonzeros: Integer, how many weights are kept.
        activation: As of `keras.layers.EinsumDense`. Defaults to None.
        use_bias: Bool: a number for each output of the kernel. Defaults to
            True.
        values_dtype: String, how values are stored. Defaults to `"float32"`.

    Inputs and outputs: tensors with the axes of the equation.

    Example:

    ```python
    dense = keras.layers.EinsumDense("abc,cde->abde", (None, 4, 16))
    dense.build((None, 10, 64))
    layer = SparseEinsumDense.from_dense(dense)
    ```
    """

    def __init__(
        self, equation: str, output_shape: tuple, nonzeros: int, **kwargs
    ):
        super().__init__(nonzeros, **kwargs)
        self.equation = equation
        self.partial_output_shape = tuple(output_shape)

    @staticmethod
    def unsupported_reason(layer: keras.layers.EinsumDense) -> str | None:
        """Why a built layer has no sparse form, or None if it has."""
        return equations.why_no_matrix(layer)

    @classmethod
    def from_dense(
        cls, layer: keras.layers.EinsumDense, values_dtype: str = "float32"
    ) -> SparseEinsumDense:
        """A layer that computes the same.

        Args:
            layer: Built Keras layer, with zeros in its kernel.
            values_dtype: String, how values are stored.

        Raises:
            ValueError: for a kernel that is no matrix.
        """
        validation.check_layer(layer, keras.layers.EinsumDense)
        reason = cls.unsupported_reason(layer)
        if reason:
            raise ValueError(
                "`layer` must multiply by a matrix. Received: "
                f"equation={layer.equation!r}, and {reason}. Leave it dense."
            )
        return cls._replacing(
            layer,
            values_dtype,
            layer.get_build_config()["input_shape"],
            equation=layer.equation,
            output_shape=layer.partial_output_shape,
        )

    @staticmethod
    def _weights_of(layer):
        return equations.of(layer).matrix(backend.to_numpy(layer.kernel))

    @staticmethod
    def _bias_of(layer):
        """The bias, a number for each row."""
        bias = backend.to_numpy(layer.bias)
        return equations.of(layer).vector(bias, layer.kernel.shape)

    def build(self, input_shape):
        product = equations.Product(self.equation, len(input_shape))
        given, made = product.given, product.made
        sizes = product.made_sizes(self.partial_output_shape)
        self._made_sizes = [sizes[token] for token in product.own]
        free = [token for token in made if token not in product.own]
        order = [*free, *product.read]
        self._to_matrix = [given.index(token) for token in order]
        order = [*free, *product.own]
        self._from_matrix = [order.index(token) for token in made]
        self._free = len(free)
        columns = [input_shape[given.index(token)] for token in product.read]
        self._add_weights(math.prod(self._made_sizes), math.prod(columns))

    def call(self, inputs, training=None):
        inputs = _transposed(inputs, self._to_matrix)
        sizes = keras.ops.shape(inputs)[: self._free]
        rows = _shaped(inputs, (*sizes, self._columns))
        outputs = csr_matmul(
            keras.ops.cast(rows, "float32"),
            self._csr(training),
            self._bias(),
            self._fused,
        )
        outputs = _shaped(outputs, (*sizes, *self._made_sizes))
        return self._finish(_transposed(outputs, self._from_matrix))

    def compute_output_shape(self, input_shape):
        free = [input_shape[i] for i in self._to_matrix[: self._free]]
        sizes = [*free, *self._made_sizes]
        return tuple(sizes[i] for i in self._from_matrix)

    def get_config(self):
        return {
            **super().get_config(),
            "equation": self.equation,
            "output_shape": self.partial_output_shape,
        }


def _shaped(tensor, shape):
    """The tensor itself where it has as many axes already."""
    if len(tensor.shape) == len(shape):
        return tensor
    return keras.ops.reshape(tensor, shape)


def _transposed(tensor, order):
    """The tensor itself where nothing would move."""
    if order == sorted(order):
        return tensor
    return keras.ops.transpose(tensor, order)
