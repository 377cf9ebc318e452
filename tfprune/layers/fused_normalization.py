"""Normalizations over the last axis in one pass over memory."""

from __future__ import annotations

import keras

from tfprune import backend
from tfprune.ops import normalize


class _Fused(keras.layers.Layer):
    """What both normalizations have in common; mixed into a layer of Keras."""

    @classmethod
    def from_layer(cls, layer: keras.layers.Layer):
        """A layer that computes the same.

        Args:
            layer: Built layer of the class of Keras that this one extends.
        """
        own = cls.from_config(layer.get_config())
        backend.build(own, layer.get_build_config())
        for mine, its in zip(own.variables, layer.variables, strict=True):
            mine.assign(its)
        own.trainable = layer.trainable
        return own

    def call(self, inputs):
        last = len(inputs.shape) - 1
        if keras.tree.flatten(self.axis) not in ([-1], [last]):
            return super().call(inputs)
        outputs = self._normalized(keras.ops.cast(inputs, "float32"))
        return keras.ops.cast(outputs, self.compute_dtype)


@keras.saving.register_keras_serializable(package="tfprune")
class FusedLayerNormalization(_Fused, keras.layers.LayerNormalization):
    """`keras.layers.LayerNormalization`, faster over the last axis.

    Args, inputs and outputs: as of `keras.layers.LayerNormalization`.

    Example:

    ```python
    layer = FusedLayerNormalization.from_layer(model.get_layer("norm"))
    ```
    """

    def _normalized(self, inputs):
        return normalize(
            inputs,
            _weight(self.gamma),
            _weight(self.beta),
            epsilon=self.epsilon,
            centered=not getattr(self, "rms_scaling", False),
        )


@keras.saving.register_keras_serializable(package="tfprune")
class FusedRMSNormalization(_Fused, keras.layers.RMSNormalization):
    """`keras.layers.RMSNormalization`, faster over the last axis.

    Args, inputs and outputs: as of `keras.layers.RMSNormalization`.

    Example:

    ```python
    layer = FusedRMSNormalization.from_layer(model.get_layer("norm"))
    ```
    """

    def _normalized(self, inputs):
        scale = _weight(self.scale)
        return normalize(inputs, scale, epsilon=self.epsilon, centered=False)


def _weight(variable):
    if variable is None:
        return None
    return keras.ops.cast(backend.read(variable), "float32")
