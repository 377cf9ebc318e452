"""Which layers a method prunes, with which settings, and why not others."""

from __future__ import annotations

import numbers

from tfprune.core import errors
from tfprune.core import names
from tfprune.core import part
from tfprune.core import units


def choose(method, layers: list, filters) -> tuple[dict, list]:
    """Returns layer name to settings, and for each layer why it stays dense.

    Args:
        method: `Method`.
        layers: List of built Keras layers.
        filters: As `tfprune.prune` takes them.

    Raises:
        ValueError: for a pattern that matches no layer, an unknown setting,
            or a layer that was chosen and does not fit.
    """
    settings = _resolve(method, layers)
    chosen = _chosen(layers, filters)
    reasons = [_reason(method, x, chosen, settings) for x in layers]
    _check_chosen(method, layers, reasons, {**chosen, **settings})
    return settings, reasons


def skipped(layers: list, reasons: list, filters, settings: dict) -> list:
    """Returns the reasons that the user did not give: a default choice's."""
    return [
        reason
        if layer.weights and filters is None and layer.name not in settings
        else None
        for layer, reason in zip(layers, reasons, strict=True)
    ]


def listed(layers: list, reasons: list) -> str:
    """Returns one line for each layer with a reason."""
    rows = [(x.name, y) for x, y in zip(layers, reasons, strict=True) if y]
    return "".join(f"\n  {name}: {reason}" for name, reason in rows)


def _resolve(method, layers):
    """Returns layer name to its settings, or None for a dense layer.

    A layer's exact name goes before any expression.
    """
    known = [layer.name for layer in layers]
    resolved = names.resolve("settings", method.settings, known)
    for own in resolved.values():
        for name, value in (own or {}).items():
            _check_setting(method, name, value)
    return resolved


def _check_setting(method, name, value):
    known = method.pruner.settings
    if name not in known:
        raise ValueError(errors.unknown("settings", name, known))
    if value is None:
        return
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    part.check(name, value, is_number, "a number or None")
    if name == "target_sparsity":
        part.check_sparsity(name, value)


def _chosen(layers, filters):
    """Returns layer name to True for what the filters choose."""
    if filters is None:
        return {}
    if callable(filters):
        chosen = [layer.name for layer in layers if filters(layer)]
    else:
        patterns = [filters] if isinstance(filters, str) else list(filters)
        known = [layer.name for layer in layers]
        chosen = names.resolve("filters", dict.fromkeys(patterns), known)
    if not chosen:
        raise ValueError(
            "`filters` must choose at least one layer. Received: "
            f"filters={filters!r}, which chooses none of "
            f"{', '.join(layer.name for layer in layers)}"
        )
    return dict.fromkeys(chosen, True)


def _reason(method, layer, chosen, settings):
    if chosen and layer.name not in chosen:
        return "not chosen by `filters`"
    if settings.get(layer.name, ()) is None:
        return "dense by `settings`"
    pruned = units.tagged(layer.weights)
    if pruned:
        return f"it is pruned already, by {pruned[0].method.name}"
    return method.misfit(layer)


def _check_chosen(method, layers, reasons, chosen):
    for layer, reason in zip(layers, reasons, strict=True):
        if chosen.get(layer.name) is not None and reason:
            raise ValueError(
                f"`method={method.name}` does not fit layer {layer.name!r}, "
                f"which was chosen: {reason}. Leave it out, or set it to None."
            )
