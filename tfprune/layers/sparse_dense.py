"""SparseDense: a Dense layer whose kernel is stored and multiplied sparse."""

from __future__ import annotations

import keras

from tfprune.layers import sparse
from tfprune.ops import csr_matmul
from tfprune.utils import validation


@keras.saving.register_keras_serializable(package="tfprune")
class SparseDense(sparse.Sparse):
    """Computes `activation(inputs @ kernel + bias)` with a sparse kernel.

    Args:
        units: Integer, number of outputs.
        nonzeros: Integer, how many weights are kept.
        activation: As of `keras.layers.Dense`. Defaults to None.
        use_bias: Bool. Defaults to True.
        values_dtype: String, how values are stored. Defaults to `"float32"`.

    Inputs and outputs: tensors of shape `(batch, ..., inputs)` and
    `(batch, ..., units)`.

    Example:

    ```python
    layer = SparseDense.from_dense(model.get_layer("fc7"))
    ```
    """

    def __init__(self, units: int, nonzeros: int, **kwargs):
        super().__init__(nonzeros, **kwargs)
        validation.check_count("units", units, least=1)
        self.units = units
        self.supports_masking = True

    @classmethod
    def from_dense(
        cls, layer: keras.layers.Dense, values_dtype: str = "float32"
    ) -> SparseDense:
        """A layer that computes the same.

        Args:
            layer: Built Keras layer, with zeros in its kernel.
            values_dtype: String, how values are stored.
        """
        validation.check_layer(layer, keras.layers.Dense)
        inputs = (None, layer.kernel.shape[0])
        return cls._replacing(layer, values_dtype, inputs, units=layer.units)

    def build(self, input_shape):
        self._add_weights(self.units, input_shape[-1])
        self.input_spec = keras.InputSpec(
            min_ndim=2, axes={-1: input_shape[-1]}
        )

    def call(self, inputs, training=None):
        inputs = keras.ops.cast(inputs, "float32")
        outputs = csr_matmul(
            inputs, self._csr(training), self._bias(), self._fused
        )
        return self._finish(outputs)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units}
