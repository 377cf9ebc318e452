"""precision: a model computes in float32 for a while."""

from __future__ import annotations

import contextlib

import keras

from tfprune.graph import traversal


@contextlib.contextmanager
def in_float32(model: keras.Model):
    """A scope in which layers compute in float32; variables stay as they are.

    Layers that are quantized compute as they did, and casts that are operations
    of the model's graph are still there.
    """
    layers = [model, *traversal.walk(model)]
    own = keras.dtype_policies.DTypePolicy
    pairs = [(x, x.dtype_policy) for x in layers if type(x.dtype_policy) is own]
    try:
        for layer, _ in pairs:
            layer.dtype_policy = "float32"
        yield
    finally:
        for layer, policy in pairs:
            layer.dtype_policy = policy
