"""Fused functions: the activations that sparse layers apply to their sums."""

from __future__ import annotations

import keras


@keras.saving.register_keras_serializable(package="tfprune")
def gelu_approximate(x):
    """`keras.activations.gelu` by tanh, as an activation of its own."""
    return keras.activations.gelu(x, approximate=True)


# Function to the name that the ops have for it.
NAMES = {
    keras.activations.linear: "none",
    keras.activations.relu: "relu",
    keras.activations.relu6: "relu6",
    keras.activations.gelu: "gelu",
    gelu_approximate: "gelu_approximate",
    keras.activations.silu: "silu",
}
_OF_OPERATIONS = {
    "Relu": keras.activations.relu,
    "Relu6": keras.activations.relu6,
    "Silu": keras.activations.silu,
}


def of(operation):
    """The function that a layer or operation of Keras is, or None.

    Args:
        operation: Keras layer or operation, or None.
    """
    kind = type(operation)
    if kind is keras.layers.Activation:
        known = operation.activation in NAMES.keys() - {
            keras.activations.linear
        }
        return operation.activation if known else None
    if kind is keras.layers.ReLU:
        return _of_relu(operation)
    if not kind.__module__.startswith("keras."):
        return None
    if kind.__name__ == "Gelu":
        by_tanh = operation.approximate
        return gelu_approximate if by_tanh else keras.activations.gelu
    return _OF_OPERATIONS.get(kind.__name__)


def _of_relu(layer):
    if layer.negative_slope or layer.threshold:
        return None
    limits = {None: keras.activations.relu, 6.0: keras.activations.relu6}
    return limits.get(layer.max_value)
