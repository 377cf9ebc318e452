"""AtTarget: callbacks that judge epochs see those of the pruned model alone."""

from __future__ import annotations

import functools
import warnings

import keras

from tfprune import backend
from tfprune.core import units
from tfprune.optimizers import model_state

# Hooks in which callbacks compare, save and stop.
_JUDGING = ("on_epoch_end", "on_train_batch_end", "on_batch_end")


class AtTarget(keras.callbacks.Callback):
    """Lets a callback look at epochs in which masks are at their target.

    While the sparsity rises, a model is better than it will be in the end:
    `EarlyStopping(restore_best_weights=True)` would bring back a model that is
    hardly pruned, `ModelCheckpoint(save_best_only=True)` would keep it. The
    ends of batches and epochs are shown to the callback from the update on
    that decides the target of every layer that trains; where a method never
    ends, from its first decision on. All else is handed on as it is.

    Where the callback brings back its `best_weights` when training ends, masks
    and all that methods remember are those of that epoch, too.

    Args:
        callback: Keras callback.

    Raises:
        ValueError: when training begins, if the model has no masks.

    Example:

    ```python
    stop = keras.callbacks.EarlyStopping(
        patience=3, restore_best_weights=True
    )
    callbacks = [tfprune.callbacks.AtTarget(stop)]
    model.fit(x, y, validation_split=0.1, callbacks=callbacks)
    ```
    """

    def __init__(self, callback: keras.callbacks.Callback):
        super().__init__()
        self.callback = callback
        # Keras looks at each hook, whether it does anything.
        for name, hook in _hooks(callback).items():
            setattr(self, name, hook)
        for name in _JUDGING:
            hook = getattr(callback, name)
            if not _is_default(name, hook):
                setattr(self, name, self._at_target(hook))

    def set_params(self, params):
        super().set_params(params)
        self.callback.set_params(params)

    def set_model(self, model):
        super().set_model(model)
        self.callback.set_model(model)

    def on_train_begin(self, logs=None):
        if not units.tagged(self.model.variables):
            raise ValueError(
                "`AtTarget` needs a model with masks. Received: "
                f"model={self.model.name!r}, which has none. Call "
                "tfprune.prune first, or use the callback inside alone."
            )
        self._reached = False
        self._best: tuple = (None, {})
        self.callback.on_train_begin(logs)

    def on_train_end(self, logs=None):
        self.callback.on_train_end(logs)
        _, masks = self._best
        if masks and getattr(self.callback, "restore_best_weights", False):
            model_state.state(self.model).read(masks)
        if not self._looks():
            warnings.warn(self._never(), stacklevel=2)

    def _at_target(self, hook):
        @functools.wraps(hook)
        def at_target(*args, **kwargs):
            if self._looks():
                hook(*args, **kwargs)
                self._keep_masks()

        return at_target

    def _keep_masks(self):
        """Keeps the masks of the weights that the callback keeps.

        Those of wrapped layers are among its weights.
        """
        weights, _ = self._best
        best = getattr(self.callback, "best_weights", None)
        if best is weights:
            return
        state = model_state.state(self.model)
        if state is not None:
            self._best = (best, {})
            state.write(self._best[1])

    def _looks(self):
        self._reached = self._reached or not self._short()
        return self._reached

    def _short(self):
        """The units that train and are not at their target."""
        trained = units.tagged(self.model.trainable_variables)
        return [unit for unit in trained if not _is_reached(unit)]

    def _never(self):
        short = self._short()
        done = max(_updates(unit) for unit in short)
        needed = [_target_step(unit) for unit in short]
        known = [step for step in needed if step is not None]
        return (
            f"{type(self.callback).__name__} has judged nothing: after {done} "
            f"updates, {len(short)} layers ({short[0].name!r} is one) are not "
            "at their target, which is decided after "
            f"{max(known) if known else 'an unknown number of'} updates. Train "
            "longer with `PruningOptimizer`, or let the method end earlier."
        )


def _hooks(callback):
    """The hooks of a callback, but those that `AtTarget` has of its own."""
    names = [x for x in dir(keras.callbacks.Callback) if x.startswith("on_")]
    return {x: getattr(callback, x) for x in names if x not in vars(AtTarget)}


def _is_default(name, hook):
    default = getattr(keras.callbacks.Callback, name)
    return getattr(hook, "__func__", hook) is default


def _is_reached(unit):
    if unit.frozen:
        return True
    step = _target_step(unit)
    if step is None:
        return any(not backend.to_numpy(t.mask).all() for t in unit.targets)
    return _updates(unit) >= step


def _target_step(unit):
    return unit.method.pruner.target_step(dict(unit.settings))


def _updates(unit):
    return int(backend.to_numpy(unit.updates))
