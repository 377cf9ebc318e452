"""Sparse: what layers with sparse weights have in common."""

from __future__ import annotations

import keras
import numpy as np

from tfprune import backend
from tfprune.layers import fused_functions
from tfprune.ops import csr
from tfprune.utils import validation

_DTYPES = ("float32", "bfloat16", "float16")


class Sparse(keras.layers.Layer):
    """Keeps a kernel as a sparse matrix with one row for each output.

    Nothing else is stored, in checkpoints as in SavedModels. The number of
    nonzeros is part of the layer's configuration, since Keras makes variables
    before it loads them.

    Args:
        nonzeros: Integer, how many weights are kept.
        activation: As of any Keras layer; `relu`, `relu6`, `gelu` and `silu`
            are fused.
        use_bias: Bool. Defaults to True.
        values_dtype: String: `"float32"`, or `"bfloat16"` or `"float16"` for
            half the bytes; arithmetic is in float32. Defaults to `"float32"`.
    """

    def __init__(
        self,
        nonzeros: int,
        activation=None,
        use_bias: bool = True,
        values_dtype: str = "float32",
        **kwargs,
    ):
        super().__init__(**kwargs)
        validation.check_count("nonzeros", nonzeros)
        known = values_dtype in _DTYPES
        validation.check(
            "values_dtype", values_dtype, known, f"one of {_DTYPES}"
        )
        self.nonzeros = nonzeros
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.values_dtype = values_dtype
        # The ops are compiled ahead of time; XLA has no kernel of theirs.
        self.supports_jit = False

    @classmethod
    def _replacing(cls, layer, values_dtype, input_shape, **geometry):
        """A sparse layer that computes what a dense one does.

        Args:
            layer: The built layer, whose kernel has outputs last.
            values_dtype: String, how values are stored.
            input_shape: Tuple.
            **geometry: Arguments of the sparse layer that others lack.
        """
        kernel = cls._weights_of(layer)
        matrix = kernel.reshape(-1, kernel.shape[-1]).T.astype(values_dtype)
        own = cls(
            nonzeros=int(np.count_nonzero(matrix)),
            activation=layer.activation,
            use_bias=layer.bias is not None,
            values_dtype=values_dtype,
            name=layer.name,
            dtype=layer.dtype_policy,
            **geometry,
        )
        own.build(input_shape)
        own.set_kernel(matrix)
        if layer.bias is not None:
            own.bias.assign(cls._bias_of(layer))
        own.trainable = layer.trainable
        return own

    @staticmethod
    def _weights_of(layer):
        """The weights of a dense layer as an array, outputs last."""
        return backend.to_numpy(layer.kernel)

    @staticmethod
    def _bias_of(layer):
        return backend.to_numpy(layer.bias)

    @property
    def dense_size(self) -> int:
        """How many weights there would be, stored dense."""
        return self._rows * self._columns

    def set_kernel(self, matrix) -> None:
        """Sets the weights.

        Args:
            matrix: Float array of shape `(outputs, inputs)` with `nonzeros`
                nonzeros.
        """
        weights = csr.Csr.from_dense(matrix)
        shape = (self._rows, self._columns)
        if matrix.shape != shape or len(weights.values) != self.nonzeros:
            raise ValueError(
                f"`matrix` must have shape {shape} and {self.nonzeros} "
                f"nonzeros. Received: shape {matrix.shape} and "
                f"{len(weights.values)} nonzeros"
            )
        self.values.assign(weights.values)
        self.column_indices.assign(weights.column_indices)
        self.row_offsets.assign(weights.row_offsets)
        self.refresh()

    def refresh(self) -> None:
        """Stamps the weights, so that they are prepared once and not anew.

        Training takes the stamp away. Saving gives it back, and so does this.
        """
        arrays = (self.values, self.column_indices, self.row_offsets)
        self.stamp.assign(csr.stamp(*map(backend.to_numpy, arrays)))

    def save_own_variables(self, store):
        self.refresh()
        super().save_own_variables(store)

    def get_config(self):
        return {
            **super().get_config(),
            "nonzeros": self.nonzeros,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "values_dtype": self.values_dtype,
        }

    def _add_weights(self, rows, columns):
        """Adds a matrix that is valid, and zero until it is set."""
        self._rows, self._columns = rows, columns
        offsets = np.zeros(rows + 1, "int32")
        offsets[-1] = self.nonzeros
        self.values = self._add(
            "values", np.zeros(self.nonzeros), self.values_dtype, True
        )
        self.column_indices = self._add(
            "column_indices", np.zeros(self.nonzeros), "int32"
        )
        self.row_offsets = self._add("row_offsets", offsets, "int32")
        self.stamp = self._add("stamp", np.int64(csr.UNSTAMPED), "int64")
        self.bias = None
        if self.use_bias:
            self.bias = self._add("bias", np.zeros(rows), "float32", True)

    def _add(self, name, value, dtype, trainable=False):
        value = np.asarray(value)
        return self.add_weight(
            name=name,
            shape=value.shape,
            dtype=dtype,
            initializer=lambda shape, dtype: keras.ops.convert_to_tensor(
                value, dtype
            ),
            trainable=trainable,
            autocast=False,
            aggregation="mean" if trainable else "only_first_replica",
        )

    def _csr(self, training):
        """The sparse weights; those being trained have no stamp."""
        stamp = backend.read(self.stamp)
        if training and self.trainable:
            self.stamp.assign(csr.UNSTAMPED)
            stamp = csr.UNSTAMPED
        arrays = (self.values, self.column_indices, self.row_offsets)
        return csr.Csr(*map(backend.read, arrays), self._columns, stamp)

    def _bias(self):
        return None if self.bias is None else backend.read(self.bias)

    @property
    def _fused(self):
        return fused_functions.NAMES.get(self.activation, "none")

    def _finish(self, outputs):
        """Applies an activation that no op fuses, and casts."""
        outputs = keras.ops.cast(outputs, self.compute_dtype)
        if self.activation in fused_functions.NAMES:
            return outputs
        return self.activation(outputs)
