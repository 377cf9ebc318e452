"""Walking and cloning models, nested and shared layers included."""

from __future__ import annotations

import contextlib
import functools
import tempfile

import keras

from tfprune import backend

_WAYS_OUT = {
    "prune": "Wrap its layers in tfprune.Prunable where it creates them",
    "strip": "Call tfprune.freeze and copy the weights of each Prunable's "
    "`layer` to a model without Prunable layers",
    "export": "Call its own `export`",
    "convert": "Put WinogradConv2D or Conv2D where it creates its layers",
    "factorize": "Make two layers of each where it creates them",
    "fold": "Fold the layers where it creates them",
    "slim": "Make its layers with fewer filters where it creates them",
    "sparsify": "Put SparseDense and SparseConv2D where it creates its layers",
}


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
            f"{_WAYS_OUT[verb]}, or {verb} the Functional models inside of it."
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
    """Returns every layer below a layer, each once, of any kind of model."""
    return list({id(below): below for _, below in paths(layer)}.values())


def paths(layer, above: str = ""):
    """Yields `outer/name` and layer for every layer below a layer."""
    for child in backend.sublayers(layer):
        yield above + child.name, child
        yield from paths(child, f"{above}{child.name}/")


def clone(model: keras.Model, replace, call=None) -> keras.Model:
    """Returns a copy of a model, weights included, with layers replaced.

    Args:
        model: Sequential or Functional model.
        replace: Callable `(layer, its copy) -> layer for the clone`.
        call: Callable `(layer of the clone, *args, **kwargs) -> outputs`, for
            the layers of Functional models. Defaults to None: they are called.
    """

    def clone_one(layer):
        if not isinstance(layer, keras.layers.Layer):
            return layer.__class__.from_config(layer.get_config())
        return replace(layer, copy(layer))

    if isinstance(model, keras.Sequential):
        call = None
    with _uncompiled(model):
        return keras.models.clone_model(
            model,
            clone_function=clone_one,
            call_function=call,
            recursive=True,
        )


def copy(layer: keras.layers.Layer) -> keras.layers.Layer:
    """Returns a layer of the same configuration and state."""
    # A lambda of this very process is as safe as it was.
    own = {"safe_mode": False} if isinstance(layer, keras.layers.Lambda) else {}
    twin = layer.__class__.from_config(layer.get_config(), **own)
    if layer.built and layer.variables:
        if not twin.built:
            backend.build(twin, layer.get_build_config() or {})
        if len(twin.variables) != len(layer.variables):
            raise ValueError(
                f"Layer {layer.name!r} must create its variables in `build`. "
                f"Received: a {type(layer).__name__} of which a copy, made by "
                f"`get_config` and `build`, has {len(twin.variables)} "
                f"variables instead of {len(layer.variables)}."
            )
        for old, new in zip(layer.variables, twin.variables, strict=True):
            new.assign(old)
    copy_assets(layer, twin)
    refresh(twin)
    return twin


def copy_assets(layer, twin) -> None:
    """Copies what is no variable: the vocabularies of lookup layers."""
    for old, new in zip(
        [layer, *walk(layer)], [twin, *walk(twin)], strict=True
    ):
        if hasattr(old, "save_assets"):
            with tempfile.TemporaryDirectory() as folder:
                old.save_assets(folder)
                new.load_assets(folder)


def refresh(layer) -> None:
    """Computes again what layers like Normalization keep beside variables."""
    for each in [layer, *walk(layer)]:
        if hasattr(each, "finalize_state"):
            each.finalize_state()


@contextlib.contextmanager
def _uncompiled(model):
    """Keeps Keras from compiling a clone with an optimizer for other layers.

    It would also need every loss and metric to be registered.
    """
    models = [x for x in [model, *walk(model)] if _is_compiled(x)]
    for each in models:
        each.compiled = False
    try:
        yield
    finally:
        for each in models:
            each.compiled = True


def _is_compiled(layer):
    return isinstance(layer, keras.Model) and layer.compiled


@functools.cache
def _functional():
    """The class that `keras.Model(inputs, outputs)` gives."""
    # The names keep Keras from counting this model.
    inputs = keras.Input((), name="inputs")
    outputs = keras.layers.Identity(name="outputs")(inputs)
    return type(keras.Model(inputs, outputs, name="functional"))
