"""Normalizations over the last axis in one pass over memory."""

from __future__ import annotations

import keras

from tfprune import backend
from tfprune.ops import normalize
from tfprune.utils import validation


@keras.saving.register_keras_serializable(package="tfprune")
class FusedLayerNormalization(keras.layers.LayerNormalization):
    """`keras.layers.LayerNormalization`, faster over the last axis.

    Arithmetic is in float32; layers of float64 are left to Keras.

    Args, inputs and outputs: as of `keras.layers.LayerNormalization`.

    Example:

    ```python
    norm = keras.layers.LayerNormalization()
    norm.build((None, 16))
    layer = FusedLayerNormalization.from_layer(norm)
    ```
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        # The op is compiled ahead of time; XLA has no kernel of it.
        self.supports_jit = False

    @classmethod
    def from_layer(
        cls, layer: keras.layers.LayerNormalization
    ) -> FusedLayerNormalization:
        """A layer that computes the same.

        Args:
            layer: Built Keras layer.
        """
        validation.check_layer(layer, keras.layers.LayerNormalization)
        own = cls(
            layer.axis,
            layer.epsilon,
            layer.center,
            layer.scale,
            name=layer.name,
            dtype=layer.dtype_policy,
        )
        return _filled(own, layer)

    def call(self, inputs):
        is_other = getattr(self, "rms_scaling", False)
        if is_other or not _is_fast(self, inputs):
            return super().call(inputs)
        outputs = normalize(
            keras.ops.cast(inputs, "float32"),
            _weight(self.gamma),
            _weight(self.beta),
            epsilon=self.epsilon,
        )
        return keras.ops.cast(outputs, self.compute_dtype)


@keras.saving.register_keras_serializable(package="tfprune")
class FusedRMSNormalization(keras.layers.RMSNormalization):
    """`keras.layers.RMSNormalization`, faster over the last axis.

    Arithmetic is in float32; layers of float64 are left to Keras.

    Args, inputs and outputs: as of `keras.layers.RMSNormalization`.

    Example:

    ```python
    norm = keras.layers.RMSNormalization()
    norm.build((None, 16))
    layer = FusedRMSNormalization.from_layer(norm)
    ```
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.supports_jit = False

    @classmethod
    def from_layer(
        cls, layer: keras.layers.RMSNormalization
    ) -> FusedRMSNormalization:
        """A layer that computes the same.

        Args:
            layer: Built Keras layer.
        """
        validation.check_layer(layer, keras.layers.RMSNormalization)
        own = cls(
            layer.axis,
            layer.epsilon,
            name=layer.name,
            dtype=layer.dtype_policy,
        )
        return _filled(own, layer)

    def call(self, x):
        if not _is_fast(self, x):
            return super().call(x)
        outputs = normalize(
            keras.ops.cast(x, "float32"),
            _weight(self.scale),
            epsilon=self.epsilon,
            centered=False,
        )
        return keras.ops.cast(outputs, self.compute_dtype)


def _filled(own, layer):
    backend.build(own, layer.get_build_config())
    for mine, its in zip(own.variables, layer.variables, strict=True):
        mine.assign(its)
        mine.trainable = its.trainable
    return own


def _is_fast(layer, inputs):
    last = len(inputs.shape) - 1
    is_last = keras.tree.flatten(layer.axis) in ([-1], [last])
    return is_last and layer.compute_dtype != "float64"


def _weight(variable):
    if variable is None:
        return None
    return keras.ops.cast(backend.read(variable), "float32")
