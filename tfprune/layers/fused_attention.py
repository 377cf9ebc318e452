"""FusedAttention: keras.ops.dot_product_attention in one pass over memory."""

from __future__ import annotations

import keras

from tfprune.ops import attend


@keras.saving.register_keras_serializable(package="tfprune")
class FusedAttention(keras.Operation):
    """Computes what `keras.ops.dot_product_attention` does, for inference.

    Scores, softmax and weighted mean are one op, in which the scores of a few
    queries at a time stay in the cache. Arithmetic is in float32.

    Args:
        is_causal: Bool: whether queries see keys up to their own position
            alone. Defaults to False.

    Inputs: query `(batch, queries, heads, depth)`, key and value `(batch, keys,
    key heads, depth)`, a bias of the scores, a mask and a scale, as of
    `keras.ops.dot_product_attention`. Output: `(batch, queries, heads, depth)`.

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
        if bias is not None or not isinstance(scale, float):
            return keras.ops.dot_product_attention(
                *(query, key, value, bias, mask, scale, self.is_causal)
            )
        tensors = [keras.ops.cast(x, "float32") for x in (query, key, value)]
        outputs = attend(*tensors, mask, scale=scale, is_causal=self.is_causal)
        return keras.ops.cast(outputs, query.dtype)

    def compute_output_spec(
        self, query, key, value, bias=None, mask=None, scale=None
    ):
        shape = (*query.shape[:3], value.shape[3])
        return keras.KerasTensor(shape, dtype=query.dtype)
