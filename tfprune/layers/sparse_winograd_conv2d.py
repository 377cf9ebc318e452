"""SparseWinogradConv2D: sparse Winograd coefficients, stored and run so."""

from __future__ import annotations

import keras

from tfprune.layers import sparse_convolution
from tfprune.layers import winograd_conv2d
from tfprune.numerics import winograd
from tfprune.numerics import winograd_convolution
from tfprune.ops import sparse_winograd_conv2d
from tfprune.utils import validation


@keras.saving.register_keras_serializable(package="tfprune")
class SparseWinogradConv2D(sparse_convolution.SparseConvolution):
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
    model = tfprune.to_winograd(model)
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
        super().__init__(
            filters, kernel_size, nonzeros, padding, groups, **kwargs
        )
        self.size = winograd.transform(kernel_size).size

    @classmethod
    def from_dense(
        cls,
        layer: winograd_conv2d.WinogradConv2D,
        values_dtype: str = "float32",
    ) -> SparseWinogradConv2D:
        """A layer that computes the same.

        Args:
            layer: Built layer, with zeros in its kernel.
            values_dtype: String, how values are stored.
        """
        validation.check_layer(layer, winograd_conv2d.WinogradConv2D)
        return cls._replacing_convolution(layer, values_dtype)

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
        return winograd_convolution.output_shape(
            input_shape, self.filters, self.kernel_size, self.padding
        )

    def tiles(self, input_shape) -> int:
        """How often a coefficient is used for one example.

        Sizes that are not known count as 1.
        """
        shape = self.compute_output_shape(input_shape)
        return winograd_convolution.tiles_of_image(*shape[1:3])

    @staticmethod
    def _weights_of(layer):
        return layer.coefficients()

    def _taps(self):
        return self.size**2
