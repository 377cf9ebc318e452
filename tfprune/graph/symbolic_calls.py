"""symbolic_calls: layers that can be called, though not on symbolic tensors."""

from __future__ import annotations

import contextlib

import keras

from tfprune.graph import traversal


@contextlib.contextmanager
def lenient(layer: keras.layers.Layer):
    """Lets a layer's `call` use layers that Keras can't call symbolically.

    As long as it lasts, layers below it that are not of Keras' own are spared
    arguments that are None, of which some take more in `call` than where they
    tell what comes out. One that gives None among tensors is not called as a
    layer: what it calls is, with names that begin with its own.

    Not for several threads: it changes classes.
    """
    below = list(traversal.walk(layer))
    names = [x.name for x in below]
    kinds = {
        x for x in map(type, below) if not x.__module__.startswith("keras.")
    }
    own = {kind: vars(kind).get("__call__") for kind in kinds}
    for kind in kinds:
        type.__setattr__(kind, "__call__", _called(kind.__call__))
    try:
        yield
    finally:
        for each, name in zip(below, names, strict=True):
            each.name = name
        for kind, call in own.items():
            if call is None:
                type.__delattr__(kind, "__call__")
            else:
                type.__setattr__(kind, "__call__", call)


def _called(original):
    def call(layer, *args, **kwargs):
        given = {k: x for k, x in kwargs.items() if x is not None}
        leaves = keras.tree.flatten((args, given))
        if not any(isinstance(x, keras.KerasTensor) for x in leaves):
            return original(layer, *args, **given)
        outputs = layer.compute_output_spec(*args, **given)
        if any(x is None for x in keras.tree.flatten(outputs)):
            for each in traversal.walk(layer):
                each.name = f"{layer.name}_{each.name}"
            return layer.call(*args, **given)
        return original(layer, *args, **given)

    return call
