"""FilterShapeConv2D: a convolution over the columns that are kept alone."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from tfprune import backend
from tfprune.layers import convolution
from tfprune.numerics import same_padding
from tfprune.ops.conv2d import Geometry
from tfprune.utils import validation


@keras.saving.register_keras_serializable(package="tfprune")
class FilterShapeConv2D(keras.layers.Layer):
    """Convolves with filters that have one shape: some columns, all dense.

    A column is one tap at one channel, in all filters, numbered as in a
    kernel of shape `(height * width * channels, filters)`. What they read is
    put together, tap by tap, and multiplied with a dense matrix.

    Args:
        filters: Integer, number of outputs.
        kernel_size: Integer or two integers.
        columns: Ascending integers, at least one: the columns that are kept.
        strides: Integer or two integers. Defaults to 1.
        padding: `"valid"` or `"same"`. Defaults to `"valid"`.
        dilation_rate: Integer or two integers. Defaults to 1.
        activation: As of `keras.layers.Conv2D`. Defaults to None.
        use_bias: Bool. Defaults to True.

    Inputs and outputs: tensors of shape `(batch, height, width, channels)`
    and `(batch, new height, new width, filters)`.

    Example:

    ```python
    layer = FilterShapeConv2D.from_dense(model.get_layer("conv2"))
    ```

    Reference:
        Wen et al. Learning Structured Sparsity in Deep Neural Networks.
        NIPS 2016.
    """

    def __init__(
        self,
        filters: int,
        kernel_size,
        columns,
        strides=1,
        padding: str = "valid",
        dilation_rate=1,
        activation=None,
        use_bias: bool = True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        convolution.check(filters, padding)
        self.filters = filters
        self.kernel_size = validation.pair("kernel_size", kernel_size)
        self.columns = [int(column) for column in columns]
        ascending = self.columns == sorted({*self.columns}) != []
        expected = "ascending integers, at least one"
        validation.check("columns", self.columns, ascending, expected)
        self.strides = validation.pair("strides", strides)
        self.padding = padding
        self.dilation_rate = validation.pair("dilation_rate", dilation_rate)
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias

    @classmethod
    def from_dense(cls, layer: keras.layers.Conv2D) -> FilterShapeConv2D:
        """A layer that computes the same.

        Args:
            layer: Built Keras layer without groups, with columns of zeros.
        """
        validation.check_layer(layer, keras.layers.Conv2D)
        last = layer.data_format == "channels_last"
        validation.check(
            "data_format", layer.data_format, last, "'channels_last'"
        )
        validation.check("groups", layer.groups, layer.groups == 1, "1")
        kernel = backend.to_numpy(layer.kernel)
        matrix = kernel.reshape(-1, layer.filters)
        columns = np.flatnonzero(np.any(matrix, axis=1))
        own = cls(
            layer.filters,
            layer.kernel_size,
            columns,
            layer.strides,
            layer.padding,
            layer.dilation_rate,
            layer.activation,
            layer.use_bias,
            name=layer.name,
            dtype=layer.dtype_policy,
        )
        own.build((None, None, None, kernel.shape[2]))
        own.kernel.assign(matrix[columns])
        if layer.use_bias:
            own.bias.assign(layer.bias)
        own.trainable = layer.trainable
        return own

    def build(self, input_shape):
        channels = input_shape[-1]
        size = int(np.prod(self.kernel_size)) * channels
        fits = 0 <= self.columns[0] and self.columns[-1] < size
        validation.check("columns", self.columns, fits, f"in [0, {size})")
        self._taps = _taps(self.columns, channels, self.kernel_size[1])
        shape = (len(self.columns), self.filters)
        self.kernel = self.add_weight(name="kernel", shape=shape)
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=(self.filters,), initializer="zeros"
            )
        self.input_spec = keras.InputSpec(ndim=4, axes={-1: channels})

    def call(self, inputs):
        if self.padding == "same":
            inputs = ops.pad(inputs, self._zeros(inputs.shape))
        read = [
            _channels(self._at(inputs, tap), channels)
            for tap, channels in self._taps.items()
        ]
        outputs = ops.conv(
            ops.concatenate(read, axis=-1), ops.expand_dims(self.kernel, (0, 1))
        )
        if self.bias is not None:
            outputs = outputs + self.bias
        return self.activation(outputs)

    def compute_output_shape(self, input_shape):
        geometry = Geometry(
            self.kernel_size,
            self.strides,
            self.padding.upper(),
            self.dilation_rate,
        )
        size = geometry.output_size(*input_shape[1:3])
        return (input_shape[0], *size, self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "columns": self.columns,
            "strides": self.strides,
            "padding": self.padding,
            "dilation_rate": self.dilation_rate,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
        }

    def _at(self, inputs, tap):
        """What one tap reads at all places of the output."""
        height, width = (
            slice(number * rate, number * rate - reach or None, stride)
            for number, rate, reach, stride in zip(
                tap,
                self.dilation_rate,
                self._reach,
                self.strides,
                strict=True,
            )
        )
        return inputs[:, height, width]

    @property
    def _reach(self):
        """How far it is from the first tap to the last, down and right."""
        sizes = zip(self.kernel_size, self.dilation_rate, strict=True)
        return [(size - 1) * rate for size, rate in sizes]

    def _zeros(self, shape):
        """The widths of the border."""
        sizes = zip(shape[1:3], self._reach, self.strides, strict=True)
        return [(0, 0), *(_border(*size) for size in sizes), (0, 0)]


def _border(size, reach, stride):
    """The zeros before and behind."""
    if size is None and stride > 1:
        raise ValueError(
            "`inputs` must have known height and width with `padding='same'` "
            f"and strides. Received: strides={stride} and a size of None."
        )
    return same_padding.zeros(size, reach, stride)


def _taps(columns, channels, width):
    """The channels that each tap reads, by its (row, column)."""
    taps = {}
    for column in columns:
        tap, channel = divmod(column, channels)
        taps.setdefault(divmod(tap, width), []).append(channel)
    everything = list(range(channels))
    return {
        tap: None if own == everything else own for tap, own in taps.items()
    }


def _channels(inputs, channels):
    """Some channels, or all for None."""
    if channels is None:
        return inputs
    return ops.take(inputs, ops.convert_to_tensor(channels, "int32"), axis=-1)
