"""SparseResponseNormalization: sums up neighbours by a sparse matrix."""

from __future__ import annotations

import keras
import numpy as np

from tfprune.layers import local_response_normalization
from tfprune.layers import sparse_conv2d
from tfprune.utils import validation


@keras.saving.register_keras_serializable(package="tfprune")
class SparseResponseNormalization(keras.layers.Layer):
    """Computes what `LocalResponseNormalization` does, for inference.

    Args:
        nonzeros: Integer, of the matrix that sums up neighbours.
        beta: Float. Defaults to 0.75.

    Inputs and outputs: tensors of shape `(batch, height, width, channels)`.
    """

    def __init__(self, nonzeros: int, beta: float = 0.75, **kwargs):
        super().__init__(**kwargs)
        validation.check_count("nonzeros", nonzeros)
        self.nonzeros, self.beta = nonzeros, beta

    @classmethod
    def from_dense(
        cls, layer: local_response_normalization.LocalResponseNormalization
    ) -> SparseResponseNormalization:
        """A layer that computes the same.

        Args:
            layer: Built layer.
        """
        kind = local_response_normalization.LocalResponseNormalization
        validation.check_layer(layer, kind)
        band = layer.band
        own = cls(
            int(np.count_nonzero(band)),
            layer.beta,
            name=layer.name,
            dtype=layer.dtype_policy,
        )
        own.build((None, None, None, len(band)))
        own.sums.set_kernel(band)
        own.sums.bias.assign(np.full(len(band), layer.bias))
        return own

    def build(self, input_shape):
        self.sums = sparse_conv2d.SparseConv2D(
            input_shape[-1],
            1,
            self.nonzeros,
            trainable=False,
            dtype="float32",
            name="sums",
        )
        self.sums.build(input_shape)

    def call(self, inputs):
        inputs = keras.ops.cast(inputs, "float32")
        sums = self.sums(keras.ops.square(inputs))
        outputs = inputs * _inverse_power(sums, self.beta)
        return keras.ops.cast(outputs, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "nonzeros": self.nonzeros,
            "beta": self.beta,
        }


def _inverse_power(x, exponent):
    # The exponent of all published nets, without a logarithm.
    if exponent == 0.75:
        root = keras.ops.rsqrt(x)
        return root * keras.ops.sqrt(root)
    return keras.ops.power(x, -exponent)
