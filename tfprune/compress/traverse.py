"""Walking and cloning models, nested and shared layers included."""

from __future__ import annotations

import functools

import keras

from tfprune import backend


def check_clonable(model: keras.Model, verb: str) -> None:
    """Raises unless the layers of a model can be exchanged."""
    if not isinstance(model, keras.Model):
        raise ValueError(
            f"`model` must be a Keras 3 model. Received: {type(model)}. A "
            "tf_keras (Keras 2) model must be saved and loaded with Keras 3."
        )
    if not is_container(model):
        raise ValueError(
            "`model` must be Sequential or Functional, whose layers can be "
            f"exchanged. Received: the subclassed {type(model).__name__}. "
            f"Wrap its layers in tfprune.Prunable where it creates them, "
            f"or {verb} the Functional models inside of it."
        )
    if not model.built:
        raise ValueError(
            f"`model` must be built before you {verb} it. Received: "
            f"model={model.name!r}, not built. Give it a keras.Input, or call "
            "it once."
        )


def is_container(layer) -> bool:
    """Tells whether a layer is a model whose layers can be exchanged."""
    kinds = (keras.Sequential, _functional())
    return isinstance(layer, kinds) and hasattr(layer, "layers")


def leaves(model: keras.Model) -> list[keras.layers.Layer]:
    """Returns the layers of nested models, each once, in order."""
    found = {}
    for layer in model.layers:
        for leaf in leaves(layer) if is_container(layer) else [layer]:
            found[id(leaf)] = leaf
    return list(found.values())


def walk(layer) -> list[keras.layers.Layer]:
    """Returns every layer below a layer, of any kind of model."""
    found = {}
    for child in backend.sublayers(layer):
        found[id(child)] = child
        found.update({id(below): below for below in walk(child)})
    return list(found.values())


def clone(model: keras.Model, replace) -> keras.Model:
    """Returns a copy of a model, weights included, with layers replaced.

    Args:
        model: Sequential or Functional model.
        replace: Callable `(layer, its copy) -> layer for the clone`.
    """

    def clone_one(layer):
        if not isinstance(layer, keras.layers.Layer):
            return layer.__class__.from_config(layer.get_config())
        return replace(layer, copy(layer))

    return keras.models.clone_model(
        model, clone_function=clone_one, recursive=True
    )


def copy(layer: keras.layers.Layer) -> keras.layers.Layer:
    """Returns a layer of the same configuration and weights."""
    twin = layer.__class__.from_config(layer.get_config())
    if layer.built and layer.variables:
        config = layer.get_build_config()
        if config and not twin.built:
            twin.build_from_config(config)
            twin.built = True
        for old, new in zip(layer.variables, twin.variables, strict=True):
            new.assign(old)
    return twin


@functools.cache
def _functional():
    """The class that `keras.Model(inputs, outputs)` gives."""
    # The names keep Keras from counting this model.
    inputs = keras.Input((), name="inputs")
    return type(keras.Model(inputs, inputs, name="functional"))
