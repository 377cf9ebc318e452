"""precision: how a model rounds, and a model in float32 for a while."""

from __future__ import annotations

import contextlib

import keras
import ml_dtypes

from tfprune.graph import traversal


@contextlib.contextmanager
def in_float32(model: keras.Model):
    """A scope in which layers compute in float32; variables stay as they are.

    Layers whose variables are no float32, or that are quantized, compute as
    they did, and casts that are operations of the model's graph are still
    there.
    """
    layers = [model, *traversal.walk(model)]
    pairs = [(x, x.dtype_policy) for x in layers if _may_change(x.dtype_policy)]
    try:
        for layer, _ in pairs:
            layer.dtype_policy = "float32"
        yield
    finally:
        for layer, policy in pairs:
            layer.dtype_policy = policy


def rounding(model: keras.Model) -> float:
    """The relative rounding of the roughest arithmetic of a model's layers."""
    found = {x.compute_dtype for x in [model, *traversal.walk(model)]}
    floats = [dtype for dtype in found if dtype and "float" in dtype]
    return max(float(ml_dtypes.finfo(dtype).eps) for dtype in floats)


def _may_change(policy):
    is_plain = type(policy) is keras.dtype_policies.DTypePolicy
    return is_plain and policy.variable_dtype == "float32"
