"""The activations that sparse ops fuse."""

from __future__ import annotations

import functools

import tensorflow as tf

from tfprune.utils import validation

FUSED = {
    "none": tf.identity,
    "relu": tf.nn.relu,
    "relu6": tf.nn.relu6,
    "gelu": functools.partial(tf.nn.gelu, approximate=False),
    "gelu_approximate": functools.partial(tf.nn.gelu, approximate=True),
    "silu": tf.nn.silu,
}


def check(name: str) -> None:
    """Raises a `ValueError` for an activation that is not one of them."""
    if name not in FUSED:
        raise ValueError(validation.unknown("activation", name, FUSED))
