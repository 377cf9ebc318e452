"""Variables: their values, and those that no layer has."""

from __future__ import annotations

import contextlib

import keras
import numpy as np
import tensorflow as tf


def read(variable):
    """The value of a Keras variable now, as a tensor.

    `keras.ops.convert_to_tensor` hands out the variable itself, which
    changes under the reader.
    """
    return tf.convert_to_tensor(getattr(variable, "value", variable))


def is_tensor(value) -> bool:
    """Tells whether something is a tensor with a value."""
    return isinstance(value, tf.Tensor) and hasattr(value, "numpy")


def to_numpy(variable):
    """The value of a Keras variable as an array, whatever its dtype."""
    return read(variable).numpy()


def numpy_dtype(variable) -> np.dtype:
    """The dtype of `to_numpy`."""
    return np.dtype(tf.as_dtype(variable.dtype).as_numpy_dtype)


def add_variable(like, name: str, dtype: str, value, shape: tuple):
    """A variable that is no weight of any layer, where another one is.

    Args:
        like: Keras variable, or anything else: the default place.
        name: String.
        dtype: String.
        value: Array, broadcast to the shape.
        shape: Tuple of integers.
    """
    strategy = getattr(
        getattr(like, "value", None), "_distribute_strategy", None
    )
    with strategy.scope() if strategy else contextlib.nullcontext():
        return keras.Variable(
            lambda shape, dtype: keras.ops.broadcast_to(
                keras.ops.convert_to_tensor(value, dtype), shape
            ),
            shape,
            dtype,
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",
            name=name,
        )


class Saveable(keras.Operation, tf.__internal__.tracking.AutoTrackable):
    """An attribute that files of Keras and checkpoints of TensorFlow find.

    It is no layer: layers, weights and configs of what holds it are unchanged.
    """

    def __setattr__(self, name, value):
        # Checkpoints find what is tracked, and nothing else.
        object.__setattr__(self, name, value)

    def _trackable_children(self, save_type="checkpoint", **kwargs):
        # A SavedModel is to be served, not to be trained.
        if save_type == "savedmodel":
            return {}
        return super()._trackable_children(save_type, **kwargs)

    def track(self, variables: dict) -> None:
        """Shows variables to checkpoints, by name."""
        for name, variable in variables.items():
            self._track_trackable(variable.value, name, overwrite=True)
