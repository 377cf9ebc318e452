"""configs: how layers are made again, where their own code can't tell."""

from __future__ import annotations

import contextlib
import functools

import keras

from tfprune import backend


def of(layer: keras.layers.Layer) -> dict:
    """The config of a layer.

    Where its own `get_config` raises, what its constructor was given: some
    layers of KerasHub ask for attributes that they do not have.
    """
    try:
        return layer.get_config()
    except Exception:  # Whatever a user's code raises.
        known = backend.constructor_arguments(layer)
        if known is None:
            raise
        return known


@contextlib.contextmanager
def sound(operations):
    """Lets Keras read the configs that `of` finds, as long as it lasts."""
    broken = list(filter(_is_broken, operations))
    for layer in broken:
        vars(layer)["get_config"] = functools.partial(
            backend.constructor_arguments, layer
        )
    try:
        yield
    finally:
        for layer in broken:
            del vars(layer)["get_config"]


def _is_broken(operation):
    is_keras = type(operation).__module__.startswith("keras.")
    if is_keras or backend.constructor_arguments(operation) is None:
        return False
    try:
        operation.get_config()
    except Exception:  # Whatever a user's code raises.
        return True
    return False
