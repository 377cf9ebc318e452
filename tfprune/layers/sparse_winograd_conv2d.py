"""SparseWinogradConv2D: sparse Winograd coefficients, stored and run so."""

from __future__ import annotations

import keras
import numpy as np

from tfprune import backend
from tfprune.core import part
from tfprune.core import winograd
from tfprune.core import winograd_convolution
from tfprune.layers import sparse
from tfprune.layers import winograd_conv2d
from tfprune.ops import sparse_winograd_conv2d


@keras.saving.register_keras_serializable(package="tfprune")
class SparseWinogradConv2D(sparse.Sparse):
    """Convolves with filters given by few Winograd coefficients.

    `channels_last`, stride 1, for inference. Where most coefficients are zero
    by training (`WinogradConv2D`), both savings multiply.

    Args:
        filters: Integer, number of outputs.
        kernel_size: Integer, 3 or 5.
        nonzeros: Integer, how many coefficients are kept.
        padding: `"valid"` or `"same"`. Defaults to `"valid"`.
        groups: Integer. Defaults to 1.
        activation: As of `keras.layers.Conv2D`. Defaults to None.
        use_bias: Bool. Defaults to True.
        values_dtype: String, how values are stored. Defaults to `"float32"`.

    Inputs and outputs: tensors of shape `(batch, height, width, channels)`
    and `(batch, new height, new width, filters)`.

    Example:

    ```python
    layer = SparseWinogradConv2D.from_dense(model.get_layer("conv2"))
    ```

    Reference:
        Li, Park, Tang. Enabling Sparse Winograd Convolution by Native
        Pruning. 2017.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        nonzeros: int,
        padding: str = "valid",
        groups: int = 1,
        **kwargs,
    ):
        super().__init__(nonzeros, **kwargs)
        for name, count in (("filters", filters), ("groups", groups)):
            part.check_count(name, count, least=1)
        known = padding in ("valid", "same")
        part.check("padding", padding, known, "'valid' or 'same'")
        self.size = winograd.transform(kernel_size).size
        self.filters = filters
        self.kernel_size = kernel_size
        self.padding = padding
        self.groups = groups

    @classmethod
    def from_dense(
        cls,
        layer: winograd_conv2d.WinogradConv2D,
        values_dtype: str = "float32",
    ) -> SparseWinogradConv2D:
        """Returns a layer that computes the same.

        Args:
            layer: Built layer, with zeros in its kernel.
            values_dtype: String, how values are stored.
        """
        kernel = backend.to_numpy(layer.kernel)
        matrix = kernel.reshape(-1, layer.filters).T.astype(values_dtype)
        own = cls(
            layer.filters,
            layer.kernel_size,
            int(np.count_nonzero(matrix)),
            layer.padding,
            layer.groups,
            activation=layer.activation,
            use_bias=layer.use_bias,
            values_dtype=values_dtype,
            name=layer.name,
            dtype=layer.dtype_policy,
        )
        own.build((None, None, None, kernel.shape[2] * layer.groups))
        return sparse.take_over(own, layer, matrix)

    def build(self, input_shape):
        channels = input_shape[-1]
        divides = channels % self.groups == 0 == self.filters % self.groups
        expected = (
            f"a divisor of {channels} channels and {self.filters} filters"
        )
        part.check("groups", self.groups, divides, expected)
        columns = self.size * self.size * channels // self.groups
        self._add_weights(self.filters, columns)
        self.input_spec = keras.InputSpec(ndim=4, axes={-1: channels})

    def call(self, inputs, training=None):
        outputs = sparse_winograd_conv2d(
            keras.ops.cast(inputs, "float32"),
            self._csr(training),
            self.kernel_size,
            self.padding.upper(),
            self.groups,
            self._bias(),
            activation=self._fused,
        )
        return self._finish(outputs)

    def compute_output_shape(self, input_shape):
        size = [
            winograd_convolution.output_size(x, self.kernel_size, self.padding)
            for x in input_shape[1:3]
        ]
        return (input_shape[0], *size, self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "padding": self.padding,
            "groups": self.groups,
        }
