"""The activations that sparse ops fuse."""

from __future__ import annotations

import tensorflow as tf

from tfprune.utils import validation

FUSED = {"none": tf.identity, "relu": tf.nn.relu, "relu6": tf.nn.relu6}


def check(name: str) -> None:
    """Raises a `ValueError` for an activation that is not one of them."""
    if name not in FUSED:
        raise ValueError(validation.unknown("activation", name, FUSED))
