"""replacing: what would put other weights in the place of pruned ones."""

from __future__ import annotations

from tfprune import backend

_REPLACING = ("quantize", "enable_lora")


def refuse(layer) -> None:
    """Makes a layer, and those in it, refuse what replaces weights.

    `Model.quantize` asks the innermost layers, not those around them.
    """
    for name in _REPLACING:
        if hasattr(layer, name):
            setattr(layer, name, refused(layer.name, name))
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

    model.quantize = quantize


def refused(layer_name: str, name: str):
    """A method that raises an error instead."""

    def raise_error(*args, **kwargs):
        raise ValueError(
            f"Layer {layer_name!r} must have no masks to `{name}`, which "
            "replaces weights. Received: a tfprune.Prunable, or what is in or "
            "around one. Call tfprune.strip first: it gives plain layers."
        )

    return raise_error
