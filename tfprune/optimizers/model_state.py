"""A model that is pruned in place, its optimizer, and what they hold.

What pruning knows is a `PruningState`. The tags of variables lead to it; the
model and its optimizer hold it where everything that saves them finds it.
"""

from __future__ import annotations

import functools
import typing
import warnings
import weakref

import keras

from tfprune import backend
from tfprune.core import progress
from tfprune.core import pruning_state
from tfprune.core import units
from tfprune.optimizers import pruning_optimizer
from tfprune.optimizers import saved_state

# Files are read in the order of attributes: before `optimizer`, which must be
# built to take what is stored for it.
_ATTRIBUTE = "masks_of_tfprune"
_NO_OPTIMIZER = (
    "the model is pruned, and compiled with a plain optimizer: what "
    "`load_model` makes of the file has its zeros, but no masks. Compile it "
    "with tfprune.PruningOptimizer(...) around the optimizer before, or call "
    "tfprune.strip"
)
_GONE = (
    "the optimizer of the model has masks of layers whose weights the model "
    "has not, and so they do nothing: {}. Was the model loaded and then "
    "quantized? Load it again and call tfprune.strip first"
)
_OWN_COMPILE = (
    "the model is pruned, and its class has a `compile` of its own: what "
    "`load_model` makes of a .keras file has its zeros, but no masks. Prune "
    "that again and `load_weights` a .weights.h5 file, which has them, or call "
    "tfprune.strip before"
)


def hold(model: keras.Model, made: list[units.Unit]) -> None:
    """Lets a model and its optimizer hold what pruning knows of some units."""
    recover(model)
    known = state(model) or pruning_state.PruningState()
    known.extend(made)
    _show(model, known)
    whole = getattr(model, "optimizer", None)
    if pruning_optimizer.inside(whole) is None:
        # Files of a model that is not compiled have it, too.
        model.optimizer = _within(whole or _unused(model))
    optimizer = pruning_optimizer.inside(model.optimizer)
    if optimizer is not None:
        optimizer.bind(known)
    _trace_anew(model)


def recover(model: keras.Model) -> None:
    """Lets a model that was loaded hold what its optimizer alone knows.

    Variables that were frozen when it was loaded are pruned again from then on.
    """
    if hasattr(model, _ATTRIBUTE):
        return
    optimizer = pruning_optimizer.inside(getattr(model, "optimizer", None))
    known = optimizer.saved_state.state if optimizer else None
    known = known or state(model)
    if known is None:
        return
    _check_variables(model, optimizer)
    known.adopt(model.variables)
    own = {id(unit) for unit in units.tagged(model.variables)}
    # A part of a model does not hold what belongs to the whole.
    if own.issuperset(map(id, known.units)):
        _show(model, known)


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


def get_config(model: keras.Model) -> list | None:
    """What is to be known to prune a model of the same config in place."""
    known = state(model)
    return None if known is None else known.get_config(model.variables)


def restore(model: keras.Model, config: list | None) -> None:
    """Prunes a model in place as another one was, of fresh masks.

    Args:
        model: Keras model, built, of the config that the other one had.
        config: What `get_config` returned.
    """
    if config is not None:
        pruning_state.PruningState.from_config(
            config,
            model.variables,
            lambda like: functools.partial(backend.add_variable, like),
        )
        hold(model, [])


def forget(model: keras.Model) -> None:
    """Makes the masked values final; nothing tells any more of pruning."""
    recover(model)
    known = state(model)
    drop(model, known.units if known else [])


def drop(model: keras.Model, some: list[units.Unit]) -> None:
    """Forgets some units; the optimizer is the user's own after the last."""
    known = state(model)
    if known is not None:
        known.forget(some)
        if known.units:
            return
    if hasattr(model, _ATTRIBUTE):
        delattr(model, _ATTRIBUTE)
        vars(model).pop("get_compile_config", None)
    optimizer = getattr(model, "optimizer", None)
    if pruning_optimizer.inside(optimizer) is not None:
        model.optimizer = _without(optimizer) if model.compiled else None
        # What Keras keeps of `compile` may tell of the other one.
        model.get_compile_config = functools.partial(_compile_config, model)
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


def _check_variables(model, optimizer):
    if optimizer is None or not optimizer.built:
        return
    own = {id(variable) for variable in model.variables}
    trained = optimizer.built_on()
    gone = units.tagged(v for v in trained if id(v) not in own)
    if gone:
        warnings.warn(_GONE.format(progress.names(gone)), stacklevel=4)


def _show(model, known):
    if not hasattr(model, _ATTRIBUTE):
        view = _SavedState()
        view.model = weakref.ref(model)
        setattr(model, _ATTRIBUTE, view)
        model.get_compile_config = functools.partial(_compile_config, model)
    view = getattr(model, _ATTRIBUTE)
    view.bind(known)
    known.refrozen = lambda: _trace_anew(view.model())


def _unused(model):
    """What has the place of an optimizer, as `compile` would arrange it."""
    optimizer = keras.optimizers.SGD()
    if model.dtype_policy.name == "mixed_float16":
        return keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer


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
    if model.optimizer is None:
        return config
    optimizer, known = pruning_optimizer.inside(model.optimizer), state(model)
    if own:
        if known:
            warnings.warn(_OWN_COMPILE, stacklevel=2)
        return config
    if known and not optimizer:
        warnings.warn(_NO_OPTIMIZER, stacklevel=2)
    elif known:
        known.beside = model.trainable_variables
        if optimizer.saved_state.state is None:
            optimizer.bind(known)
    whole = keras.saving.serialize_keras_object(model.optimizer)
    return {**config, "optimizer": whole}


def _trace_anew(model):
    model.train_function = model.test_function = model.predict_function = None
