"""Walking through models, nested and shared layers included."""

from __future__ import annotations

import functools

import keras

from tfprune import backend

_WAYS_OUT = {
    "wrap the layers of": "Prune it in place, which is the default",
    "prune the coupled filters of": "Give the method `structure=Filter()`",
    "strip": "Call tfprune.freeze and copy the weights of each Prunable's "
    "`layer` to a model without Prunable layers",
    "export": "Call its own `export`",
    "make a function of": "Put a tf.function around it",
    "convert": "Put WinogradConv2D or Conv2D where it creates its layers",
    "factorize": "Make two layers of each where it creates them",
    "remove filters of": "Make its layers with fewer filters where it creates "
    "them",
    "sparsify": "Put SparseDense and SparseConv2D where it creates its layers",
}


def check_built(model: keras.Model, verb: str) -> None:
    """Raises unless a model is a built one of Keras 3."""
    if not isinstance(model, keras.Model):
        raise ValueError(
            f"`model` must be a Keras 3 model. Received: {type(model)}. A "
            "tf_keras (Keras 2) model must be saved and loaded with Keras 3."
        )
    if not model.built:
        raise ValueError(
            f"`model` must be built before you {verb} it. Received: "
            f"model={model.name!r}, not built. Give it a keras.Input, or call "
            "it once."
        )


def check_clonable(model: keras.Model, verb: str) -> None:
    """Raises unless the layers of a model can be exchanged."""
    if isinstance(model, keras.Model) and not is_container(model):
        raise ValueError(
            "`model` must be Sequential or Functional, whose layers can be "
            f"exchanged. Received: the subclassed {type(model).__name__}. "
            f"{_WAYS_OUT[verb]}, or {verb} the Functional models inside of it."
        )
    check_built(model, verb)


def is_container(layer) -> bool:
    """Tells whether a layer is a model whose layers can be exchanged."""
    kinds = (keras.Sequential, _functional())
    return isinstance(layer, kinds) and hasattr(layer, "layers")


def leaves(model: keras.Model) -> list[keras.layers.Layer]:
    """The layers of nested models, each once, in order."""
    found = {}
    for layer in model.layers:
        for leaf in leaves(layer) if is_container(layer) else [layer]:
            found[id(leaf)] = leaf
    return list(found.values())


def outermost(model: keras.Model) -> list[keras.Model]:
    """The Sequential and Functional models of any model, not those inside."""
    if is_container(model):
        return [model]
    below = backend.sublayers(model)
    return [found for layer in below for found in outermost(layer)]


def walk(layer) -> list[keras.layers.Layer]:
    """Every layer below a layer, each once, of any kind of model."""
    return list({id(below): below for _, below in paths(layer)}.values())


def paths(layer, above: str = ""):
    """Yields `outer/name` and layer for every layer below a layer."""
    for child in backend.sublayers(layer):
        yield above + child.name, child
        yield from paths(child, f"{above}{child.name}/")


@functools.cache
def _functional():
    """The class that `keras.Model(inputs, outputs)` gives."""
    # The names keep Keras from counting this model.
    inputs = keras.Input((), name="inputs")
    outputs = keras.layers.Identity(name="outputs")(inputs)
    return type(keras.Model(inputs, outputs, name="functional"))
