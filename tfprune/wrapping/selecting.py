"""What both ways of pruning begin with: which layers, with which settings."""

from __future__ import annotations

import dataclasses
import warnings

import keras

from tfprune.compress.filters.operations import registry
from tfprune.core import structures
from tfprune.graph import leaves as leaves_lib
from tfprune.graph import opening
from tfprune.graph import own_tensors
from tfprune.graph import traversal
from tfprune.wrapping import layer_selection


@dataclasses.dataclass(frozen=True)
class Selected:
    """The layers of a model that are pruned.

    Args:
        opened: `Opened`, the model as the method sees it.
        found: `LayerSelection`.
        settings: Dict, address of each layer to its settings, maybe None.
    """

    opened: opening.Opened
    found: layer_selection.LayerSelection
    settings: dict

    @property
    def leaves(self) -> list[leaves_lib.Leaf]:
        """The leaves that are pruned, in order."""
        return [x for x in self.found.leaves if x.address in self.settings]

    def targets(self, method, leaf: leaves_lib.Leaf) -> list[tuple]:
        """Triples (variable, role, `CoupledAxis` or None): what is pruned."""
        axes = self.found.coupled_axes(leaf.layer)
        if axes:
            return [(getattr(leaf.layer, x.name), x.role, x) for x in axes]
        own = {id(variable) for variable in leaf.weights}
        pairs = method.targets(leaf.layer)
        return [(x, role, None) for x, role in pairs if id(x) in own]


def select(model: keras.Model, method, filters) -> Selected:
    """Which layers a method prunes; a warning lists what could be and is not.

    Args:
        model: Keras model of any class, built.
        method: `Method`.
        filters: As `tfprune.prune` takes them.

    Raises:
        ValueError: as `tfprune.prune`.
    """
    traversal.check_built(model, "prune")
    opened = opening.Opened(model, [], {})
    if isinstance(method.pruner.structure, structures.CoupledFilter):
        traversal.check_clonable(model, "prune the coupled filters of")
        opened = opening.open_composites(
            model, registry.is_known, own_tensors.none
        )
    found = layer_selection.choose(method, opened.model, filters)
    if all(found.reasons):
        raise ValueError(
            f"`model` has nothing that `method={method.name}` can prune. "
            f"Received: model={model.name!r} with the layers{found}"
        )
    if filters is None and found.skipped():
        warnings.warn(
            f"{method.name} skips these layers:{found.skipped()}",
            stacklevel=4,
        )
    names = [x.address for x in found.leaves if id(x.layer) in found.fit]
    settings = {name: found.settings.get(name) for name in names}
    settings = method.resolve_settings(opened.model, settings)
    return Selected(opened, found, settings)
