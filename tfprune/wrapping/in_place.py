"""Pruning in place: a model's own variables hold the masked values.

No layer, class, name or weight changes. What pruning knows is a
`PruningState`, which the tags of variables lead to, and which the model and its
optimizer hold where everything that saves them finds it.
"""

from __future__ import annotations

import functools
import typing
import weakref

import keras

from tfprune import backend
from tfprune.core import pruning_state
from tfprune.core import units
from tfprune.optimizers import pruning_optimizer
from tfprune.optimizers import saved_state
from tfprune.wrapping import coupling
from tfprune.wrapping import layer_selection

# Files are read in the order of attributes: before `optimizer`, which must be
# built to take what is stored for it.
_ATTRIBUTE = "masks_of_tfprune"


def prune(model: keras.Model, method, filters) -> coupling.Coupling | None:
    """Prunes a model itself.

    Args:
        model: Keras model of any class, built.
        method: `Method`.
        filters: As `tfprune.prune` takes them.

    Returns:
        Its coupled channels where the method prunes those.

    Raises:
        ValueError: as `tfprune.prune`; nothing is changed then.
    """
    seen = layer_selection.view(model, method)
    found = layer_selection.select(method, seen.model, filters)
    made: list[units.Unit] = []
    for leaf, settings in found.chosen(seen.model):
        targets = [
            units.InPlaceTarget(seen.original(variable), *about)
            for variable, *about in found.targets(leaf)
        ]
        add = functools.partial(backend.add_variable, targets[0].variable)
        updates = made[0].updates if made else None
        name = leaf.address
        made.append(
            units.build(name, method, targets, add, settings, updates=updates)
        )
    _hold(model, made)
    return found.coupling


def state(model: keras.Model) -> pruning_state.PruningState | None:
    """What pruning in place knows of a model, or None.

    A model that was loaded has it with its optimizer alone.
    """
    view = getattr(model, _ATTRIBUTE, None)
    if view is not None:
        return view.state
    owners = {id(x.owner): x.owner for x in units.tagged(model.variables)}
    found = [owner for owner in owners.values() if owner is not None]
    if len(found) > 1:
        return pruning_state.joined(found)
    return found[0] if found else None


def forget(model: keras.Model) -> None:
    """Makes the masked values final; nothing tells any more of pruning."""
    known = state(model)
    if known is not None:
        known.forget()
    if hasattr(model, _ATTRIBUTE):
        delattr(model, _ATTRIBUTE)
        vars(model).pop("get_compile_config", None)
    optimizer = getattr(model, "optimizer", None)
    if pruning_optimizer.inside(optimizer) is not None:
        model.optimizer = _without(optimizer) if model.compiled else None
    _trace_anew(model)


class _SavedState(saved_state.SavedState):
    """The state with the model, for where its optimizer does not have it."""

    model: typing.Any  # A weak reference.

    def save_own_variables(self, store):
        optimizer = pruning_optimizer.inside(self.model().optimizer)
        if optimizer is None or optimizer.saved_state.state is not self.state:
            super().save_own_variables(store)

    def load_own_variables(self, store):
        whole = self.model().optimizer
        optimizer = pruning_optimizer.inside(whole)
        if optimizer is None:
            super().load_own_variables(store)
            return
        if not whole.built:
            whole.build(self.model().trainable_variables)
        optimizer.saved_state.is_expected = not store.keys()
        if store.keys():
            super().load_own_variables(store)


def _hold(model, made):
    """Lets a model and its optimizer hold the state of its units."""
    known = state(model) or pruning_state.PruningState()
    known.extend(made)
    if not hasattr(model, _ATTRIBUTE):
        view = _SavedState()
        view.model = weakref.ref(model)
        setattr(model, _ATTRIBUTE, view)
        model.get_compile_config = functools.partial(_compile_config, model)
    getattr(model, _ATTRIBUTE).bind(known)
    whole = getattr(model, "optimizer", None)
    if pruning_optimizer.inside(whole) is None:
        # Files of a model that is not compiled have it, too.
        model.optimizer = _within(whole or keras.optimizers.SGD())
    pruning_optimizer.inside(model.optimizer).bind(known)
    _trace_anew(model)


def _within(optimizer):
    """An optimizer with a `PruningOptimizer` around what updates weights."""
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        optimizer.inner_optimizer = _within(optimizer.inner_optimizer)
        return optimizer
    return pruning_optimizer.PruningOptimizer(optimizer)


def _without(optimizer):
    """An optimizer as it was before `_within`."""
    if isinstance(optimizer, pruning_optimizer.PruningOptimizer):
        return optimizer.inner_optimizer
    optimizer.inner_optimizer = _without(optimizer.inner_optimizer)
    return optimizer


def _compile_config(model):
    """What a file tells of the optimizer: that of now, with its state."""
    config = type(model).get_compile_config(model)
    own = type(model).compile is not keras.Model.compile
    optimizer = pruning_optimizer.inside(model.optimizer)
    if optimizer is None or own:
        return config
    if optimizer.saved_state.state is None:
        optimizer.bind(state(model))
    whole = keras.saving.serialize_keras_object(model.optimizer)
    return {**config, "optimizer": whole}


def _trace_anew(model):
    model.train_function = model.test_function = model.predict_function = None
