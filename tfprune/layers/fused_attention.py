"""FusedAttention: keras.ops.dot_product_attention in one pass over memory."""

from __future__ import annotations

import numbers

import keras

from tfprune.ops import attend


@keras.saving.register_keras_serializable(package="tfprune")
class FusedAttention(keras.Operation):
    """Computes what `keras.ops.dot_product_attention` does, for inference.

    Scores, softmax and weighted mean are one op, in which the scores of a few
    queries at a time stay in the cache. Arithmetic is in float32; tensors of
    float64 are left to Keras. XLA has no kernel of the op.

    Args:
        is_causal: Bool: whether queries see keys up to their own position
            alone. Defaults to False.

    Inputs: query `(batch, queries, heads, depth)`, key and value `(batch, keys,
    key heads, depth)`, a bias of the scores, a mask and a scale, as of
    `keras.ops.dot_product_attention`. Output: `(batch, queries, heads,
    depth)`, of the values' depth.

    Example:

    ```python
    x = keras.random.normal((1, 10, 4, 16))
    outputs = FusedAttention(is_causal=True)(x, x, x)
    ```
    """

    def __init__(self, is_causal: bool = False, *, name=None):
        super().__init__(name=name)
        self.is_causal = is_causal

    @classmethod
    def from_operation(cls, operation: keras.Operation) -> FusedAttention:
        """An operation that computes the same.

        Args:
            operation: What `keras.ops.dot_product_attention` put into a model.
        """
        return cls(operation.is_causal, name=operation.name)

    def call(self, query, key, value, bias=None, mask=None, scale=None):
        if scale is None:
            scale = query.shape[-1] ** -0.5
        tensors = query, key, value
        dtype = keras.backend.result_type(*(x.dtype for x in tensors))
        is_number = isinstance(scale, numbers.Real)
        if bias is not None or dtype == "float64" or not is_number:
            return keras.ops.dot_product_attention(
                *(*tensors, bias, mask, scale, self.is_causal)
            )
        outputs = attend(
            *(keras.ops.cast(x, "float32") for x in tensors),
            None if mask is None else keras.ops.cast(mask, "bool"),
            scale=float(scale),
            is_causal=self.is_causal,
        )
        return keras.ops.cast(outputs, dtype)

    def compute_output_spec(
        self, query, key, value, bias=None, mask=None, scale=None
    ):
        tensors = query, key, value
        return keras.KerasTensor(
            (*query.shape[:3], value.shape[3]),
            dtype=keras.backend.result_type(*(x.dtype for x in tensors)),
        )
