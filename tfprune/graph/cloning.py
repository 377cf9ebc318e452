"""Cloning models, nested and shared layers included."""

from __future__ import annotations

import contextlib
import tempfile

import keras

from tfprune import backend
from tfprune.graph import configs
from tfprune.graph import traversal


def clone(model: keras.Model, replace, call=None, make=None) -> keras.Model:
    """Clones a model, weights included, with layers replaced.

    Args:
        model: Sequential or Functional model.
        replace: Callable `(layer, its copy) -> layer for the clone`; of
            operations that are no layers, too.
        call: Callable `(layer of the clone, *args, **kwargs) -> outputs`, for
            the layers of Functional models. Defaults to None: they are called.
        make: Callable `layer -> its copy`. Defaults to None: `copy`.
    """
    made = {}

    def clone_one(layer):
        if id(layer) not in made:
            made[id(layer)] = clone_new(layer)
        return made[id(layer)]

    def clone_new(layer):
        if traversal.is_container(layer):
            return clone_whole(layer)
        if isinstance(layer, keras.layers.Layer):
            return replace(layer, (make or copy)(layer))
        return replace(layer, layer.__class__.from_config(layer.get_config()))

    def clone_whole(model):
        # Keras' own recursion knows no `call` below Sequential models.
        own = None if isinstance(model, keras.Sequential) else call
        cloned = keras.models.clone_model(
            model, clone_function=clone_one, call_function=own
        )
        _set_trainable(cloned, model.trainable)
        return cloned

    with _uncompiled(model):
        return clone_whole(model)


def clone_chains(model: keras.Model, chains: dict[int, list]) -> keras.Model:
    """Clones a model, with several layers in the place of some.

    Args:
        model: Sequential or Functional model.
        chains: Dict, id of a layer to the list of layers, built, that are
            called in its place, one on the output of the other.
    """
    links = {}

    def replace(layer, copied):
        if id(layer) not in chains:
            return copied
        # It has the right output, wherever Keras calls it meanwhile.
        whole = keras.Sequential(chains[id(layer)])
        links[id(whole)] = whole.layers
        return whole

    def call(layer, *args, **kwargs):
        first, *others = links.get(id(layer), [layer])
        outputs = first(*args, **kwargs)
        for other in others:
            outputs = other(outputs)
        return outputs

    copy = clone(model, replace, call)
    for each in [copy, *traversal.walk(copy)]:
        if isinstance(each, keras.Sequential):
            _flatten(each, links)
    return copy


def copy(layer: keras.layers.Layer) -> keras.layers.Layer:
    """Makes a layer of the same configuration and state."""
    # A lambda of this very process is as safe as it was.
    own = {"safe_mode": False} if isinstance(layer, keras.layers.Lambda) else {}
    copied = configs.again(layer, **own)
    if layer.built and layer.variables:
        _build_as(layer, copied)
        if _shapes(copied) != _shapes(layer):
            copied = configs.from_attributes(layer) or copied
            _build_as(layer, copied)
        if _shapes(copied) != _shapes(layer):
            raise ValueError(
                f"Layer {layer.name!r} must create its variables in `build`. "
                f"Received: a {type(layer).__name__} of which a copy, made by "
                f"`get_config` and `build`, has the variables "
                f"{_shapes(copied)} instead of {_shapes(layer)}."
            )
        for old, new in zip(layer.variables, copied.variables, strict=True):
            new.assign(old)
    copied.name = layer.name  # Some constructors make another one of it.
    for name, value in vars(layer).items():
        # From a config it would come back without the globals that it uses.
        if getattr(value, "__name__", None) == "<lambda>":
            setattr(copied, name, value)
    copy_assets(layer, copied)
    copy_trainable(layer, copied)
    refresh(copied)
    return copied


def identity(layer: keras.Operation) -> keras.layers.Layer:
    """What takes a layer's or operation's name and place, and does nothing."""
    dtype = getattr(layer, "dtype_policy", None)
    return keras.layers.Identity(name=layer.name, dtype=dtype)


def _build_as(layer, copied):
    """Makes the variables of a copy."""
    config = layer.get_build_config() or {}
    if not copied.built:
        backend.build(copied, config)
    if len(copied.variables) < len(layer.variables):
        backend.trace(copied, config)  # Its `build` leaves some to `call`.


def _shapes(layer):
    return [tuple(variable.shape) for variable in layer.variables]


def copy_assets(layer, copied) -> None:
    """Copies what is no variable: the vocabularies of lookup layers."""
    for old, new in zip(
        [layer, *traversal.walk(layer)],
        [copied, *traversal.walk(copied)],
        strict=True,
    ):
        if hasattr(old, "save_assets"):
            with tempfile.TemporaryDirectory() as folder:
                old.save_assets(folder)
                new.load_assets(folder)


def copy_trainable(layer, copied) -> None:
    """Copies the flags of layers and variables, at any depth."""
    flags = [x.trainable for x in [layer, *_below(layer)]]
    _set_flags([copied, *_below(copied)], flags)
    for old, new in zip(layer.variables, copied.variables, strict=True):
        new.trainable = old.trainable


def _set_trainable(model, value):
    """Sets the flag of a model alone, not those of what is in it."""
    layers, variables = _below(model), model.variables
    flags = [x.trainable for x in layers]
    own = [x.trainable for x in variables]
    model.trainable = value
    _set_flags(layers, flags)
    for variable, flag in zip(variables, own, strict=True):
        variable.trainable = flag


def _below(layer):
    """Every layer below one, wherever it is shared, parents first."""
    return [below for _, below in traversal.paths(layer)]


def _set_flags(layers, flags):
    """Sets flags from the outside in: each sets those below it."""
    for layer, flag in zip(layers, flags, strict=True):
        if layer.trainable != flag:
            layer.trainable = flag


def refresh(layer) -> None:
    """Computes again what layers like Normalization keep beside variables."""
    for each in [layer, *traversal.walk(layer)]:
        if hasattr(each, "finalize_state"):
            each.finalize_state()


@contextlib.contextmanager
def _uncompiled(model):
    """Keeps Keras from compiling a clone with an optimizer for other layers.

    It would also need every loss and metric to be registered.
    """
    models = [x for x in [model, *traversal.walk(model)] if _is_compiled(x)]
    for each in models:
        each.compiled = False
    try:
        yield
    finally:
        for each in models:
            each.compiled = True


def _is_compiled(layer):
    return isinstance(layer, keras.Model) and layer.compiled


def _flatten(model, links):
    """Puts the layers of chains themselves into a Sequential model."""
    layers = [x for own in model.layers for x in links.get(id(own), [own])]
    if len(layers) == len(model.layers):
        return
    for _ in range(len(model.layers)):
        model.pop()
    for layer in layers:
        model.add(layer)
