"""Pruning in place: a model's own variables hold the masked values.

No layer, class, name or weight changes.
"""

from __future__ import annotations

import contextlib
import functools
import warnings

import keras

from tfprune import backend
from tfprune.core import units
from tfprune.layers import replacing
from tfprune.optimizers import model_state
from tfprune.wrapping import selecting


def prune(model: keras.Model, method, filters) -> None:
    """Prunes a model itself.

    Args:
        model: Keras model of any class, built.
        method: `Method`.
        filters: As `tfprune.prune` takes them.

    Raises:
        ValueError: as `tfprune.prune`; nothing is changed then.
    """
    _prune(model, method, selecting.select(model, method, filters))


@contextlib.contextmanager
def tried(model: keras.Model, method, filters):
    """A scope in which a model is pruned, and in the end is as it was.

    It yields its `Coupling`, or None where the method prunes single layers.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        selected = selecting.select(model, method, filters)
    made = _prune(model, method, selected)
    try:
        yield selected.found.coupling
    finally:
        model_state.drop(model, made)
        replacing.refuse_in_place(model)


def _prune(model, method, selected):
    made: list[units.Unit] = []
    for leaf in selected.leaves:
        groups = getattr(leaf.layer, "groups", 1)
        targets = [
            units.InPlaceTarget(
                selected.opened.original(variable),
                role,
                axis,
                groups,
                method.summed_axes(leaf.layer, variable),
            )
            for variable, role, axis in selected.targets(method, leaf)
        ]
        made.append(
            units.build(
                leaf.address,
                method,
                targets,
                functools.partial(backend.add_variable, targets[0].variable),
                selected.settings[leaf.address],
            )
        )
    model_state.hold(model, made)
    replacing.refuse_in_place(model)
    return made
