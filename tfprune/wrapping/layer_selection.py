"""Which layers a method prunes, with which settings, and why not others."""

from __future__ import annotations

import collections
import dataclasses
import numbers

import keras

from tfprune.core import structures
from tfprune.core import units
from tfprune.graph import leaves as leaves_lib
from tfprune.graph import traversal
from tfprune.utils import layer_names
from tfprune.utils import validation
from tfprune.wrapping import coupling as coupling_lib


@dataclasses.dataclass(frozen=True)
class LayerSelection:
    """What a method prunes of a model.

    Args:
        leaves: List of `Leaf`.
        settings: Dict, address of a layer to settings, None for a skipped one.
        reasons: List of strings, why each layer is skipped, or None.
        coupling: `Coupling`, which channels go together, or None.
        left_out: List of strings, why weights of each layer stay dense though
            others are pruned, or None.
    """

    leaves: list[leaves_lib.Leaf]
    settings: dict
    reasons: list
    coupling: coupling_lib.Coupling | None = None
    left_out: list = dataclasses.field(default_factory=list)

    @property
    def layers(self) -> list:
        """The layers, in order."""
        return [leaf.layer for leaf in self.leaves]

    @property
    def names(self) -> dict:
        """The addresses of layers, by their ids."""
        return {id(leaf.layer): leaf.address for leaf in self.leaves}

    @property
    def why(self) -> dict:
        """Why layers are skipped, by their ids."""
        return {id(x.layer): reason for x, reason in self._pairs() if reason}

    @property
    def fit(self) -> set:
        """Ids of the layers that are pruned."""
        return self.names.keys() - self.why.keys()

    def coupled_axes(self, layer) -> list:
        """Axes of a layer's variables whose channels are coupled to others."""
        return self.coupling.axes.get(id(layer), []) if self.coupling else []

    def skipped(self) -> str:
        """A line for each layer that could be pruned, and how many could not.

        Also for those that are pruned only in part. Those that the user left
        out are not there. Empty for no such layer.
        """
        pairs = [
            (leaf, reason)
            for leaf, reason in self._pairs()
            if reason and leaf.weights and leaf.address not in self.settings
        ]
        listed = _listed(pair for pair in pairs if _is_prunable(pair[0]))
        listed += _listed(self._partly())
        others = [leaf for leaf, _ in pairs if not _is_prunable(leaf)]
        return listed and listed + _counted(others)

    def __str__(self) -> str:
        return _listed(self._pairs())

    def _pairs(self):
        return zip(self.leaves, self.reasons, strict=True)

    def _partly(self):
        """The leaves of which weights are left out, and why."""
        return [
            (leaf, f"in part, {why}")
            for (leaf, skipped), why in zip(
                self._pairs(), self.left_out, strict=True
            )
            if why and not skipped
        ]


def _listed(pairs):
    return "".join(f"\n  {x.address}: {why}" for x, why in pairs if why)


def _is_prunable(leaf):
    """Whether a layer has a kernel, or a user's one that may have."""
    own = type(leaf.layer).__module__.startswith("keras.")
    return any(
        leaves_lib.is_kernel(w) or not own and _is_matrix(w)
        for w in leaf.weights
    )


def _is_matrix(variable):
    return variable.trainable and sum(size > 1 for size in variable.shape) > 1


def _counted(leaves):
    if not leaves:
        return ""
    kinds = collections.Counter(type(leaf.layer).__name__ for leaf in leaves)
    ((kind, _),) = kinds.most_common(1)
    layers = "layer" if len(leaves) == 1 else "layers"
    return f"\nand {len(leaves)} {layers} without kernels, such as {kind}"


def choose(method, model: keras.Model, filters) -> LayerSelection:
    """Which layers a method prunes, and why not others.

    Args:
        method: `Method`.
        model: Keras model of any class, built; Sequential or Functional for a
            method that couples filters.
        filters: As `tfprune.prune` takes them.

    Raises:
        ValueError: for a pattern that matches no layer, an unknown setting,
            or a layer that was chosen and does not fit. One without a kernel
            must be named alone, not by an expression or by where it is.
    """
    leaves = leaves_lib.leaves(model)
    settings = _resolve(method, leaves)
    chosen = _chosen(leaves, filters)
    reasons = [_reason(method, x, chosen, settings) for x in leaves]
    left_out = [method.left_out(leaf.layer) for leaf in leaves]
    found = LayerSelection(leaves, settings, reasons, left_out=left_out)
    if isinstance(method.pruner.structure, structures.CoupledFilter):
        found = _coupled(method, model, found)
    _check_chosen(method, found, {**chosen, **settings}, filters)
    return found


def _resolve(method, leaves):
    """Settings by address; None for a layer that is not pruned."""
    resolved = _by_address("settings", method.settings, leaves)
    for own in resolved.values():
        for name, value in (own or {}).items():
            _check_setting(method, name, value)
    return resolved


def _by_address(argument, by_pattern, leaves):
    return layer_names.resolve(
        argument,
        by_pattern,
        [leaf.address for leaf in leaves],
        [leaf.path for leaf in leaves],
    )


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


def _chosen(leaves, filters):
    """The addresses of layers that the filters choose, each to True."""
    if filters is None:
        return {}
    if callable(filters):
        chosen = [leaf.address for leaf in leaves if filters(leaf.layer)]
    else:
        chosen = _by_address("filters", _patterns(filters), leaves)
    if not chosen:
        raise ValueError(
            "`filters` must choose at least one layer. Received: "
            f"filters={filters!r}, which chooses none of "
            f"{', '.join(leaf.address for leaf in leaves)}"
        )
    return dict.fromkeys(chosen, True)


def _reason(method, leaf, chosen, settings):
    if chosen and leaf.address not in chosen:
        return "not chosen by `filters`"
    if settings.get(leaf.address, ()) is None:
        return "None in `settings`"
    pruned = units.tagged(leaf.weights)
    if pruned:
        return f"it is pruned already, by {pruned[0].method.name}"
    own_kernel = any(map(leaves_lib.is_kernel, leaf.weights))
    if not own_kernel and len(leaf.weights) < len(leaf.layer.weights):
        return "it has no kernel of its own"
    return method.unsupported_reason(leaf.layer) or _untrained_reason(leaf)


def _untrained_reason(leaf):
    """Why a kernel does not train though its layer does, or None."""
    layers = [leaf.layer, *traversal.walk(leaf.layer)]
    if any(getattr(layer, "lora_enabled", False) for layer in layers):
        return "its kernel does not train, since `enable_lora` was called"
    # What is frozen with its layer is pruned once that is unfrozen.
    frozen = {id(w) for x in layers if not x.trainable for w in x.weights}
    kernels = filter(leaves_lib.is_kernel, leaf.weights)
    if any(not w.trainable and id(w) not in frozen for w in kernels):
        return "its kernel does not train, but its layer does"
    return None


def _coupled(method, model, found):
    """The same selection, with coupled channels and those that stay."""
    unsupported = found.why
    fixed = {
        id(leaf.layer)
        for leaf in found.leaves
        if found.settings.get(leaf.address, ()) is None
        or units.tagged(leaf.weights)
        or not leaf.layer.trainable
    }
    coupling = coupling_lib.couple(model, method, unsupported, fixed)
    layers = {leaf.address: leaf.layer for leaf in found.leaves}
    coupling_lib.check_settings(layers, coupling.axes, found.settings)
    left = dict.fromkeys(found.names, "none of its channels may go")
    left |= unsupported | coupling.stay | dict.fromkeys(coupling.axes)
    reasons = [left[id(layer)] for layer in found.layers]
    return dataclasses.replace(found, reasons=reasons, coupling=coupling)


def _check_chosen(method, found, chosen, filters):
    patterns = {*_patterns(filters), *method.settings}
    for leaf, reason in zip(found.leaves, found.reasons, strict=True):
        meant = _is_prunable(leaf) or _is_named(leaf, patterns)
        if chosen.get(leaf.address) is not None and reason and meant:
            raise ValueError(
                f"`method={method.name}` does not fit layer {leaf.address!r}, "
                f"which was chosen: {reason}. Leave it out, or set it to None."
            )


def _patterns(filters):
    """What filters name, each to True; nothing where they are a callable."""
    if filters is None or callable(filters):
        return {}
    patterns = [filters] if isinstance(filters, str) else filters
    return dict.fromkeys(patterns, True)


def _is_named(leaf, patterns):
    """Whether one means the layer itself, not all of some kind or place."""
    return not patterns.isdisjoint([leaf.address, *layer_names.ends(leaf.path)])
