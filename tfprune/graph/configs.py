"""configs: how layers are made again, where their own code can't tell."""

from __future__ import annotations

import contextlib
import functools
import inspect

import keras

from tfprune.graph import traversal


def again(layer: keras.layers.Layer, **options) -> keras.layers.Layer:
    """A new layer of the same class and config.

    Some layers of KerasHub have configs that they do not take, or ask for
    attributes that they do not have. Such a layer is made from the attributes
    that are named as the arguments of its constructor.

    Args:
        layer: Keras layer.
        **options: For its `from_config`.

    Raises:
        ValueError: where there is no such attribute either.
    """
    try:
        return _made(layer, **options)
    except Exception as error:  # Whatever a user's code raises.
        made = from_attributes(layer)
        if made is None:
            raise ValueError(
                f"Layer {layer.name!r} must have a `get_config` of all that "
                f"its constructor takes. Received: a {type(layer).__name__} "
                "that can't be made again by `type(layer).from_config("
                f"layer.get_config())`: {error}"
            ) from error
        return made


def from_attributes(layer: keras.layers.Layer):
    """A new layer, from what is named as the arguments of its constructor.

    None where one of them has no attribute of its name.
    """
    known = _attributes(layer)
    return None if known is None else type(layer)(**known)


@contextlib.contextmanager
def sound(operations):
    """Lets Keras read a graph with layers whose `get_config` raises.

    It reads their attributes, or their names, as long as it lasts.
    """
    broken = list(filter(_is_broken, operations))
    for layer in broken:
        known = _attributes(layer) or {}
        plain = {k: x for k, x in known.items() if _is_plain(x)}
        vars(layer)["get_config"] = functools.partial(
            dict, plain | {"name": layer.name}
        )
    try:
        yield
    finally:
        for layer in broken:
            del vars(layer)["get_config"]


def is_sound(layer) -> bool:
    """Tells whether Keras can make a layer again from its config."""
    if type(layer).__module__.startswith("keras."):
        return True
    try:
        _made(layer)
    except Exception:  # Whatever a user's code raises.
        return False
    return True


def _made(layer, **options):
    with keras.saving.custom_object_scope(_own_classes(layer)):
        return type(layer).from_config(layer.get_config(), **options)


def _own_classes(layer):
    """The classes of what a layer holds, whether they are registered or not."""
    layers = [layer, *traversal.walk(layer)]
    kinds = {type(x) for each in layers for x in vars(each).values()}
    kinds |= {type(x) for x in layers}
    return {keras.saving.get_registered_name(x): x for x in kinds}


def _is_broken(operation):
    try:
        operation.get_config()
    except Exception:  # Whatever a user's code raises.
        return True
    return False


def _attributes(layer):
    """Arguments for the constructor of a layer, or None if one is not there."""
    found = {}
    for name, one in inspect.signature(type(layer)).parameters.items():
        if one.kind is one.VAR_KEYWORD:
            found |= {"name": layer.name, "dtype": layer.dtype_policy.name}
        elif one.kind is one.VAR_POSITIONAL or not hasattr(layer, name):
            return None  # Its default might not be what the layer was given.
        else:
            found[name] = getattr(layer, name)
    return found


def _is_plain(value):
    return value is None or isinstance(value, (bool, int, float, str))
