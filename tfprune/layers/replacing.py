"""replacing: what would put other weights in the place of pruned ones."""

from __future__ import annotations

from tfprune import backend
from tfprune.core import units

_REPLACING = ("quantize", "enable_lora")


def refuse(layer) -> None:
    """Makes a layer, and those in it, refuse what replaces weights.

    `Model.quantize` asks the innermost layers, not those around them.
    """
    for name in _REPLACING:
        if hasattr(layer, name):
            _put(layer, name, refused(layer.name, name))
    for below in backend.sublayers(layer):
        refuse(below)


def refuse_model(model) -> None:
    """Makes a model refuse to quantize all of its layers, before the first.

    With `filters`, it asks those layers.
    """
    ask = model.quantize

    def quantize(mode=None, config=None, filters=None, **kwargs):
        if filters is None:
            refused(model.name, "quantize")()
        ask(mode, config=config, filters=filters, **kwargs)

    _put(model, "quantize", quantize)


def refuse_in_place(model) -> None:
    """Makes a model refuse, and its layers, where they are pruned in place.

    What is not pruned, or not any more, does what it did.
    """
    _allow(model, "quantize")
    if units.tagged(model.variables):
        refuse_model(model)
    for layer in _innermost(model):
        for name in _REPLACING:
            _allow(layer, name)
            if hasattr(layer, name) and units.tagged(layer.variables):
                _put(layer, name, refused(layer.name, name))


def refused(layer_name: str, name: str):
    """A method that raises an error instead."""

    def raise_error(*args, **kwargs):
        raise ValueError(
            f"Layer {layer_name!r} must have no masks to `{name}`, which "
            "replaces weights. Received: what is pruned, or is in or around "
            "such a layer. Call tfprune.strip first: it gives plain layers."
        )

    return raise_error


def _put(layer, name, method):
    method.own = getattr(layer, name)
    setattr(layer, name, method)


def _allow(layer, name):
    """Gives a layer back what it had; Keras wraps methods of instances."""
    own = getattr(getattr(layer, name, None), "own", None)
    if own is not None:
        setattr(layer, name, own)


def _innermost(layer):
    below = backend.sublayers(layer)
    return [x for y in below for x in _innermost(y)] if below else [layer]
