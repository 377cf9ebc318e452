"""Which layers a method prunes, with which settings, and why not others."""

from __future__ import annotations

import dataclasses
import numbers

import keras

from tfprune.core import structures
from tfprune.core import units
from tfprune.graph import traversal
from tfprune.utils import layer_names
from tfprune.utils import validation
from tfprune.wrapping import coupling as coupling_lib


@dataclasses.dataclass(frozen=True)
class LayerSelection:
    """What a method prunes of a model.

    Args:
        layers: List of Keras layers.
        settings: Dict, layer name to settings, None for a skipped layer.
        reasons: List of strings, why each layer is skipped, or None.
        coupling: `Coupling`, which channels go together, or None.
    """

    layers: list
    settings: dict
    reasons: list
    coupling: coupling_lib.Coupling | None = None

    @property
    def why(self) -> dict:
        """Why layers are skipped, by their ids."""
        return {id(layer): reason for layer, reason in self._pairs() if reason}

    @property
    def fit(self) -> set:
        """Ids of the layers that are pruned."""
        return {id(layer) for layer in self.layers} - set(self.why)

    def coupled_axes(self, layer) -> list:
        """Axes of a layer's variables whose channels are coupled to others."""
        return self.coupling.axes.get(id(layer), []) if self.coupling else []

    def skipped(self) -> str:
        """A line for each layer that the user did not leave out."""
        return _listed(
            (layer, reason)
            for layer, reason in self._pairs()
            if layer.weights and layer.name not in self.settings
        )

    def __str__(self) -> str:
        return _listed(self._pairs())

    def _pairs(self):
        return zip(self.layers, self.reasons, strict=True)


def _listed(pairs):
    return "".join(f"\n  {x.name}: {why}" for x, why in pairs if why)


def choose(method, model: keras.Model, filters) -> LayerSelection:
    """Which layers a method prunes, and why not others.

    Args:
        method: `Method`.
        model: Sequential or Functional model, built.
        filters: As `tfprune.prune` takes them.

    Raises:
        ValueError: for a pattern that matches no layer, an unknown setting,
            or a layer that was chosen and does not fit.
    """
    layers = traversal.leaves(model)
    settings = _resolve(method, layers)
    chosen = _chosen(layers, filters)
    reasons = [_reason(method, x, chosen, settings) for x in layers]
    found = LayerSelection(layers, settings, reasons)
    if isinstance(method.pruner.structure, structures.CoupledFilter):
        found = _coupled(method, model, found)
    _check_chosen(method, layers, found.reasons, {**chosen, **settings})
    return found


def _resolve(method, layers):
    """Settings by layer name; None for a layer that is not pruned.

    A layer's exact name goes before any expression.
    """
    known = [layer.name for layer in layers]
    resolved = layer_names.resolve("settings", method.settings, known)
    for own in resolved.values():
        for name, value in (own or {}).items():
            _check_setting(method, name, value)
    return resolved


def _check_setting(method, name, value):
    known = method.pruner.settings
    if name not in known:
        raise ValueError(validation.unknown("settings", name, known))
    if value is None:
        return
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    validation.check(name, value, is_number, "a number or None")
    if name == "target_sparsity":
        validation.check_sparsity(name, value)


def _chosen(layers, filters):
    """The names of layers that the filters choose, each to True."""
    if filters is None:
        return {}
    if callable(filters):
        chosen = [layer.name for layer in layers if filters(layer)]
    else:
        patterns = [filters] if isinstance(filters, str) else list(filters)
        known = [layer.name for layer in layers]
        chosen = layer_names.resolve("filters", dict.fromkeys(patterns), known)
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
        return "None in `settings`"
    pruned = units.tagged(layer.weights)
    if pruned:
        return f"it is pruned already, by {pruned[0].method.name}"
    return method.unsupported_reason(layer)


def _coupled(method, model, found):
    """The same selection, with coupled channels and those that stay."""
    unsupported = found.why
    fixed = {
        id(layer)
        for layer in found.layers
        if found.settings.get(layer.name, ()) is None
        or units.tagged(layer.weights)
        or not layer.trainable
    }
    coupling = coupling_lib.couple(model, method, unsupported, fixed)
    coupling_lib.check_settings(found.layers, coupling.axes, found.settings)
    left = {id(x): "none of its channels may go" for x in found.layers}
    left |= unsupported | coupling.stay | dict.fromkeys(coupling.axes)
    reasons = [left[id(layer)] for layer in found.layers]
    return dataclasses.replace(found, reasons=reasons, coupling=coupling)


def _check_chosen(method, layers, reasons, chosen):
    for layer, reason in zip(layers, reasons, strict=True):
        if chosen.get(layer.name) is not None and reason:
            raise ValueError(
                f"`method={method.name}` does not fit layer {layer.name!r}, "
                f"which was chosen: {reason}. Leave it out, or set it to None."
            )
