"""SparseConv2D: a convolution whose kernel is stored and run sparse."""

from __future__ import annotations

import math

import keras

from tfprune import backend
from tfprune.layers import convolution
from tfprune.layers import sparse_convolution
from tfprune.ops import sparse_conv2d
from tfprune.ops.conv2d import Geometry
from tfprune.utils import validation


@keras.saving.register_keras_serializable(package="tfprune")
class SparseConv2D(sparse_convolution.SparseConvolution):
    """Convolves with sparse filters, `channels_last`.

    Args:
        filters: Integer, number of outputs.
        kernel_size: Integer or two integers.
        nonzeros: Integer, how many weights are kept.
        strides: Integer or two integers. Defaults to 1.
        padding: `"valid"` or `"same"`. Defaults to `"valid"`.
        dilation_rate: Integer or two integers. Defaults to 1.
        groups: Integer. Defaults to 1.
        activation: As of `keras.layers.Conv2D`. Defaults to None.
        use_bias: Bool. Defaults to True.
        values_dtype: String, how values are stored. Defaults to `"float32"`.

    Inputs and outputs: tensors of shape `(batch, height, width, channels)`
    and `(batch, new height, new width, filters)`. A second input, `residual`,
    of the output's shape, is added before the activation.

    Example:

    ```python
    layer = SparseConv2D.from_dense(model.get_layer("conv2"))
    ```

    Reference:
        Park et al. Faster CNNs with Direct Sparse Convolutions and Guided
        Pruning. ICLR 2017.
    """

    def __init__(
        self,
        filters: int,
        kernel_size,
        nonzeros: int,
        strides=1,
        padding: str = "valid",
        dilation_rate=1,
        groups: int = 1,
        **kwargs,
    ):
        kernel_size = validation.pair("kernel_size", kernel_size)
        super().__init__(
            filters, kernel_size, nonzeros, padding, groups, **kwargs
        )
        self.strides = validation.pair("strides", strides)
        self.dilation_rate = validation.pair("dilation_rate", dilation_rate)

    @classmethod
    def from_dense(
        cls,
        layer: keras.layers.Conv2D | keras.layers.DepthwiseConv2D,
        values_dtype: str = "float32",
    ) -> SparseConv2D:
        """A layer that computes the same.

        Args:
            layer: Built Keras layer. A `Conv2D` has zeros in its kernel. A
                `DepthwiseConv2D` needs none: it is a convolution without the
                weights between channels, one group for each.
            values_dtype: String, how values are stored.
        """
        kinds = keras.layers.Conv2D, keras.layers.DepthwiseConv2D
        validation.check_layer(layer, *kinds)
        last = layer.data_format == "channels_last"
        validation.check(
            "data_format", layer.data_format, last, "'channels_last'"
        )
        return cls._replacing_convolution(
            layer,
            values_dtype,
            strides=layer.strides,
            dilation_rate=layer.dilation_rate,
        )

    def call(self, inputs, residual=None, training=None):
        if residual is not None:
            residual = keras.ops.cast(residual, "float32")
        outputs = sparse_conv2d(
            keras.ops.cast(inputs, "float32"),
            self._csr(training),
            self._geometry(),
            self._bias(),
            residual,
            activation=self._fused,
        )
        return self._finish(outputs)

    def compute_output_shape(self, inputs_shape, residual_shape=None):
        size = self._geometry().output_size(*inputs_shape[1:3])
        return (inputs_shape[0], *size, self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "strides": self.strides,
            "dilation_rate": self.dilation_rate,
        }

    @staticmethod
    def _weights_of(layer):
        _, filters, _ = convolution.sizes(layer)
        kernel = backend.to_numpy(layer.kernel)
        return kernel.reshape(*layer.kernel_size, -1, filters)

    def _taps(self):
        return math.prod(self.kernel_size)

    def _geometry(self):
        return Geometry(
            self.kernel_size,
            self.strides,
            self.padding.upper(),
            self.dilation_rate,
            self.groups,
        )
