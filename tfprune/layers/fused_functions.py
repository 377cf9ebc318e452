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
    """The function that a layer or operation is, or None: no fused one.

    Args:
        operation: Keras layer or operation, or None.
    """
    kind = type(operation).__name__
    if isinstance(operation, keras.layers.Activation):
        known = operation.activation in NAMES
        return operation.activation if known else None
    if isinstance(operation, keras.layers.ReLU):
        return _of_relu(operation)
    if kind == "Gelu":
        by_tanh = operation.approximate
        return gelu_approximate if by_tanh else keras.activations.gelu
    return _OF_OPERATIONS.get(kind)


def _of_relu(layer):
    if layer.negative_slope or layer.threshold:
        return None
    limits = {None: keras.activations.relu, 6.0: keras.activations.relu6}
    return limits.get(layer.max_value)
