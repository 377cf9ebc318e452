"""WinogradConv2D: a convolution whose weights live in the Winograd domain."""

from __future__ import annotations

import typing

import keras
import numpy as np

from tfprune import backend
from tfprune.layers import convolution
from tfprune.numerics import winograd
from tfprune.numerics import winograd_convolution
from tfprune.utils import validation


class Spatial(typing.NamedTuple):
    """An ordinary layer that is nearest to a Winograd one.

    Args:
        layer: `keras.layers.Conv2D`, built.
        error: Float, the norm of the difference of their coefficients by the
            norm of the coefficients: 0 for the image of a kernel.
    """

    layer: keras.layers.Conv2D
    error: float


@keras.saving.register_keras_serializable(package="tfprune")
class WinogradConv2D(keras.layers.Layer):
    """Convolves with filters given by their Winograd coefficients.

    ```
    output tile = activation(A^T [ coefficients * (B^T d B) ] A + bias)
    coefficients = kernel * balance, by position and channel
    ```

    The kernel holds all M x M coefficients of each filter, M = 6 for filters
    of 3x3 and 8 for 5x5, and all of them are trained: what is learned need
    not be the image of any filter any more. It starts as the image of one.
    The output follows some coefficients 85 times as strongly as others, but
    the entries of the kernel about as it does ordinary weights: one learning
    rate, one penalty and one threshold fit all of them. More so where
    `to_winograd` has seen data, whose channels and positions differ.

    `channels_last`, stride 1. Arithmetic is in float32 at least, since the
    transforms would lose too much in 16 bits.

    Args:
        filters: Integer, number of outputs.
        kernel_size: Integer, 3 or 5: of the filters that it stands for.
        padding: `"valid"` or `"same"`. Defaults to `"valid"`.
        groups: Integer. Defaults to 1.
        activation: As of `keras.layers.Conv2D`. Defaults to None.
        use_bias: Bool. Defaults to True.
        kernel_initializer: Of the filters whose coefficients it starts with.
            Defaults to `"glorot_uniform"`.
        bias_initializer: Defaults to `"zeros"`.

    Inputs and outputs: tensors of shape `(batch, height, width, channels)`
    and `(batch, new height, new width, filters)`.

    Example:

    ```python
    layer = WinogradConv2D.from_conv2d(model.get_layer("conv2"))
    ```

    Reference:
        Li, Park, Tang. Enabling Sparse Winograd Convolution by Native
        Pruning. 2017.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        padding: str = "valid",
        groups: int = 1,
        activation=None,
        use_bias: bool = True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        **kwargs,
    ):
        super().__init__(**kwargs)
        convolution.check(filters, padding, groups)
        self.size = winograd.transform(kernel_size).size
        self.filters = filters
        self.kernel_size = kernel_size
        self.padding = padding
        self.groups = groups
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)

    @staticmethod
    def unsupported_reason(layer) -> str | None:
        """Why a layer has no Winograd form, or None."""
        if type(layer) is not keras.layers.Conv2D:
            return f"it is a {type(layer).__name__}, not a Conv2D"
        if layer.data_format != "channels_last":
            return f"its data_format is {layer.data_format!r}"
        for name in ("strides", "dilation_rate"):
            if tuple(getattr(layer, name)) != (1, 1):
                return f"its {name} are {getattr(layer, name)}, not 1"
        if tuple(layer.kernel_size) not in ((3, 3), (5, 5)):
            return f"its kernel_size is {layer.kernel_size}, not 3x3 or 5x5"
        for name in ("kernel_regularizer", "kernel_constraint"):
            if getattr(layer, name) is not None:
                return f"its {name} is about weights, not coefficients"
        return None if layer.built else "it is not built"

    @classmethod
    def from_conv2d(cls, layer: keras.layers.Conv2D) -> WinogradConv2D:
        """A layer that computes the same.

        Args:
            layer: Built Keras layer.

        Raises:
            ValueError: for one that `unsupported_reason` refuses.
        """
        reason = cls.unsupported_reason(layer)
        if reason:
            raise ValueError(
                "`layer` must be a convolution of stride 1 with filters of 3x3 "
                f"or 5x5. Received: layer={layer.name!r}: {reason}. Leave it "
                "as it is."
            )
        own = cls(
            layer.filters,
            layer.kernel_size[0],
            layer.padding,
            layer.groups,
            activation=layer.activation,
            use_bias=layer.use_bias,
            name=layer.name,
            dtype=layer.dtype_policy,
        )
        backend.build(own, layer.get_build_config())
        kernel = backend.to_numpy(layer.kernel).astype("float64")
        own.set_coefficients(winograd.coefficients(kernel, own.kernel_size))
        if layer.use_bias:
            own.bias.assign(layer.bias)
        own.trainable = layer.trainable
        return own

    def coefficients(self) -> np.ndarray:
        """A float64 array `(M, M, channels / groups, filters)`."""
        kernel = backend.to_numpy(self.kernel).astype("float64")
        return kernel * backend.to_numpy(self.balance)

    def set_coefficients(self, coefficients) -> None:
        """Sets the kernel to have these coefficients."""
        balance = backend.to_numpy(self.balance)
        self.kernel.assign(np.array(coefficients) / balance)

    def rebalance(self, gains) -> None:
        """Sets what an entry of the kernel is worth, not what it computes.

        Args:
            gains: Float array `(M, M, channels / groups)`, above 0, the root
                of the mean square of the transformed inputs by that of the
                inputs; groups share them.

        Raises:
            ValueError: for any other array.
        """
        shape = tuple(self.balance.shape[:3])
        received = np.shape(gains)
        validation.check(
            "gains", received, received == shape, f"of shape {shape}"
        )
        least = np.min(gains, initial=np.inf)
        finite = bool(np.all(np.isfinite(gains)))
        validation.check(
            "gains", least, finite and bool(least > 0), "finite and above 0"
        )
        coefficients = self.coefficients()
        transform = winograd.transform(self.kernel_size)
        self.balance.assign(transform.balance(gains)[..., None])
        self.set_coefficients(coefficients)

    def to_conv2d(self) -> Spatial:
        """The nearest ordinary layer, by least squares."""
        layer = keras.layers.Conv2D(
            self.filters,
            self.kernel_size,
            padding=self.padding,
            groups=self.groups,
            activation=self.activation,
            use_bias=self.use_bias,
            name=self.name,
            dtype=self.dtype_policy,
        )
        backend.build(layer, self.get_build_config())
        coefficients = self.coefficients()
        weights = winograd.weights(coefficients, self.kernel_size)
        layer.kernel.assign(weights)
        if self.use_bias:
            layer.bias.assign(self.bias)
        layer.trainable = self.trainable
        back = np.array(winograd.coefficients(weights, self.kernel_size))
        norm = np.linalg.norm(coefficients)
        error = np.linalg.norm(back - coefficients) / norm if norm else 0.0
        return Spatial(layer, float(error))

    def build(self, input_shape):
        channels = input_shape[-1]
        inputs = convolution.channels_of_group(
            channels, self.filters, self.groups
        )
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.size, self.size, inputs, self.filters),
            initializer=self._initialize,
            autocast=False,
        )
        self.balance = self.add_weight(
            name="balance",
            shape=(self.size, self.size, inputs, 1),
            initializer=self._alike,
            trainable=False,
            autocast=False,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self.filters,),
                initializer=self.bias_initializer,
                autocast=False,
            )
        self.input_spec = keras.InputSpec(ndim=4, axes={-1: channels})

    def call(self, inputs):
        dtype = keras.backend.result_type(self.compute_dtype, "float32")
        kernel, balance = (
            keras.ops.cast(backend.read(variable), dtype)
            for variable in (self.kernel, self.balance)
        )
        outputs = winograd_convolution.convolve(
            keras.ops.cast(inputs, dtype),
            kernel * balance,
            self.kernel_size,
            self.padding,
            self.groups,
        )
        if self.bias is not None:
            outputs += keras.ops.cast(backend.read(self.bias), dtype)
        return self.activation(keras.ops.cast(outputs, self.compute_dtype))

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

    def get_config(self):
        save = keras.initializers.serialize
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "padding": self.padding,
            "groups": self.groups,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": save(self.kernel_initializer),
            "bias_initializer": save(self.bias_initializer),
        }

    def _initialize(self, shape, dtype):
        weights = self.kernel_initializer(
            (self.kernel_size, self.kernel_size, *shape[2:]), dtype
        )
        coefficients = winograd.coefficients(weights, self.kernel_size)
        return coefficients / self._alike(shape, dtype)

    def _alike(self, shape, dtype):
        """A balance without knowledge of the inputs."""
        balance = winograd.transform(self.kernel_size).balance()
        balance = keras.ops.convert_to_tensor(balance[..., None, None], dtype)
        return keras.ops.broadcast_to(balance, (*shape[:3], 1))
