"""LocalResponseNormalization: divides by the squares of near channels."""

from __future__ import annotations

import keras

from tfprune.ops import response_norm
from tfprune.utils import validation


@keras.saving.register_keras_serializable(package="tfprune")
class LocalResponseNormalization(keras.layers.Layer):
    """Computes `inputs / (bias + alpha * sum of squares) ** beta`.

    The sum is over a channel and its neighbours. Keras has no such layer;
    AlexNet and GoogLeNet need it. `tfprune.sparsify` makes it faster: the
    matrix that sums up neighbours is sparse.

    Args:
        radius: Integer, how many channels on either side. Defaults to 2.
        bias: Float. Defaults to 1.
        alpha: Float, of a single square; Caffe's is of their mean. Defaults to
            AlexNet's 1e-4 / 5.
        beta: Float. Defaults to 0.75.

    Attributes:
        band: Array of shape `(channels, channels)` that squares are multiplied
            by.

    Inputs and outputs: tensors of shape `(batch, height, width, channels)`.

    Reference:
        Krizhevsky, Sutskever, Hinton. ImageNet Classification with Deep
        Convolutional Neural Networks. NIPS 2012.
    """

    def __init__(
        self,
        radius: int = 2,
        bias: float = 1.0,
        alpha: float = 1e-4 / 5,
        beta: float = 0.75,
        **kwargs,
    ):
        super().__init__(**kwargs)
        validation.check_count("radius", radius)
        for name, value in (("bias", bias), ("alpha", alpha), ("beta", beta)):
            is_number = isinstance(value, int | float)
            validation.check(name, value, is_number, "a number")
        self.radius = radius
        self.bias, self.alpha, self.beta = bias, alpha, beta

    def build(self, input_shape):
        channels = input_shape[-1]
        validation.check(
            "inputs",
            input_shape,
            channels is not None,
            "of a known number of channels",
        )
        self.input_spec = keras.InputSpec(ndim=4, axes={-1: channels})
        self.band = response_norm.band(channels, self.radius, self.alpha)

    def call(self, inputs):
        outputs = response_norm.response_norm(
            keras.ops.cast(inputs, "float32"),
            self.radius,
            self.bias,
            self.alpha,
            self.beta,
        )
        return keras.ops.cast(outputs, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "radius": self.radius,
            "bias": self.bias,
            "alpha": self.alpha,
            "beta": self.beta,
        }
