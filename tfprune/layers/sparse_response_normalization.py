"""SparseResponseNormalization: sums up neighbours by a sparse matrix."""

from __future__ import annotations

import keras
import numpy as np

from tfprune.layers import local_response_normalization
from tfprune.layers import sparse
from tfprune.ops import response_norm


@keras.saving.register_keras_serializable(package="tfprune")
class SparseResponseNormalization(sparse.Sparse):
    """Computes what `LocalResponseNormalization` does, for inference.

    Args:
        nonzeros: Integer, of the matrix that sums up neighbours.
        beta: Float. Defaults to 0.75.

    Inputs and outputs: tensors of shape `(batch, height, width, channels)`.
    """

    def __init__(self, nonzeros: int, beta: float = 0.75, **kwargs):
        super().__init__(nonzeros, **kwargs)
        self.beta = beta
        self.trainable = False

    @classmethod
    def from_dense(
        cls, layer: local_response_normalization.LocalResponseNormalization
    ) -> SparseResponseNormalization:
        """Returns a layer that computes the same.

        Args:
            layer: Built layer.
        """
        own = cls(
            int(np.count_nonzero(layer.band)),
            layer.beta,
            name=layer.name,
            dtype=layer.dtype_policy,
        )
        own.build((None, None, None, len(layer.band)))
        own.set_kernel(layer.band)
        own.bias.assign(np.full(len(layer.band), layer.bias))
        return own

    def build(self, input_shape):
        channels = input_shape[-1]
        self._add_weights(channels, channels)
        self.input_spec = keras.InputSpec(ndim=4, axes={-1: channels})

    def call(self, inputs):
        outputs = response_norm.sparse_response_norm(
            keras.ops.cast(inputs, "float32"),
            self._csr(training=False),
            self._bias(),
            self.beta,
        )
        return self._finish(outputs)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "beta": self.beta}
