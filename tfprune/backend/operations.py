"""Where operations are called from."""

from __future__ import annotations

import keras


def operations() -> list:
    """The modules that users, and Keras' own layers, take operations from."""
    attention = keras.layers.MultiHeadAttention
    return [keras.ops, attention.call.__globals__["ops"]]
