"""Callbacks that judge epochs do so once masks are at their target."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tests import saving_process
from tfprune import methods
from tfprune.callbacks import AtTarget
from tfprune.core import pruner
from tfprune.utils import serialization

RAMP = methods.Magnitude(0.75, end_step=8, frequency=3)


class _Spy(keras.callbacks.Callback):
    """Notes the epochs and batches that it is shown, and all other calls."""

    def __init__(self):
        super().__init__()
        self.epochs, self.batches, self.others = [], 0, []

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(epoch)

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1

    def on_epoch_begin(self, epoch, logs=None):
        self.others.append(epoch)

    def on_train_begin(self, logs=None):
        self.others.append(self.model.name)

    def on_train_end(self, logs=None):
        self.others.append(self.params["epochs"])


@serialization.serializable
class _Last(serialization.Serializable):
    """A schedule that does not say when it decides."""

    settings = {}

    def due(self, step, unit, settings):
        return step == 5


def net(method=RAMP, name="net", wrap=False):
    dense = [layers.Dense(8, name="a"), layers.Dense(1, name="b")]
    plain = keras.Sequential([keras.Input((4,)), *dense], name=name)
    model = tfprune.prune(plain, method, wrap=wrap)
    model.compile(tfprune.PruningOptimizer("sgd"), "mse")
    return model


def fit(model, *callbacks, epochs=6):
    """Trains two updates an epoch; the loss to be judged only grows."""
    x, y = np.ones((4, 4)), np.ones((4, 1))
    worse = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: logs.update(val_loss=float(epoch))
    )
    callbacks = [worse, *callbacks]
    model.fit(x, y, 2, epochs, verbose=0, callbacks=callbacks)
    return model


def zeros(model):
    return [
        float(np.mean(v.numpy() == 0))
        for v in model.trainable_variables
        if v.name == "kernel"
    ]


def test_hooks_that_judge_are_called_from_the_target_on():
    spy = _Spy()
    fit(net(), AtTarget(spy))
    assert (spy.epochs, spy.batches) == ([3, 4, 5], 5)
    assert spy.others == ["net", *range(6), 6]


def test_early_stopping_restores_a_pruned_model():
    def stop():
        return keras.callbacks.EarlyStopping(
            patience=9, restore_best_weights=True
        )

    assert zeros(fit(net(), AtTarget(stop()))) == [0.75, 0.75]
    # By itself it takes the first epoch, in which the ramp has just begun.
    assert max(zeros(fit(net(), stop()))) < 0.75


def test_early_stopping_counts_its_patience_from_the_target_on():
    stop = keras.callbacks.EarlyStopping(patience=1)
    model = fit(net(), AtTarget(stop))
    assert model.history.epoch == [0, 1, 2, 3, 4]
    assert stop.stopped_epoch == 4


@pytest.mark.parametrize("every", ["epoch", 1])
def test_a_checkpoint_keeps_a_pruned_model(tmp_path, every):
    path = tmp_path / "best.weights.h5"
    save = keras.callbacks.ModelCheckpoint(
        path, "loss", 0, True, True, save_freq=every, mode="max"
    )
    fit(net(), AtTarget(save))
    loaded = net()
    loaded.load_weights(path)
    assert zeros(loaded) == [0.75, 0.75]


def test_a_function_as_a_hook():
    epochs = []
    look = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: epochs.append(epoch)
    )
    fit(net(), AtTarget(look))
    assert epochs == [3, 4, 5]


@pytest.mark.parametrize(
    ("method", "first"),
    [
        (methods.Magnitude(0.5), 0),
        (methods.Magnitude(0.0), 0),
        (methods.Magnitude(0.5, begin_step=5), 2),
        (methods.Surgery(0.5), 0),
        (methods.Surgery(0.5, stop_step=7), 3),
        (methods.Surgery(0.5, settings={"b": {"stop_step": 10}}), 4),
        (methods.Guided(), 0),
        (methods.Force(1e-4, force_mult={"a": 1.0}), 0),
        (methods.Method("last", pruner.Pruner(update_schedule=_Last())), 2),
    ],
)
def test_the_first_epoch_by_method(method, first):
    spy = _Spy()
    fit(net(method), AtTarget(spy), epochs=first + 1)
    assert spy.epochs == [first]


def test_final_masks_are_a_target():
    model, spy = net(), _Spy()
    tfprune.freeze(model)
    fit(model, AtTarget(spy), epochs=1)
    assert spy.epochs == [0]


def test_layers_that_do_not_train_do_not_count():
    method = methods.Magnitude(
        0.5, begin_step=1, settings={"a": {"target_sparsity": 0.25}}
    )
    model, spy = net(method), _Spy()
    model.get_layer("a").trainable = False
    model.compile(tfprune.PruningOptimizer("sgd"), "mse")
    fit(model, AtTarget(spy), epochs=1)
    assert spy.epochs == [0]


def test_what_is_never_reached_is_told_with_numbers():
    spy = _Spy()
    message = (
        "_Spy has judged nothing: after 6 updates, 2 layers .'a' is one. are "
        "not at their target, which is decided after 8 updates"
    )
    with pytest.warns(UserWarning, match=message):
        fit(net(), AtTarget(spy), epochs=3)
    assert spy.epochs == []
    fit(spy.model, AtTarget(spy), epochs=1)  # The updates go on.
    assert spy.epochs == [0]


def test_a_model_without_masks_is_refused():
    plain = keras.Sequential([keras.Input((4,)), layers.Dense(1)])
    plain.compile("sgd", "mse")
    with pytest.raises(ValueError, match="needs a model with masks"):
        fit(plain, AtTarget(_Spy()), epochs=1)


@pytest.mark.parametrize("wrap", [False, True])
def test_the_best_epoch_comes_back_with_its_masks(wrap):
    """Surgery goes on deciding after the epoch that was best."""
    seen = []

    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(saving_process.known(self.model, optimizer=False))

    model = net(methods.Surgery(c=0.0, gamma=0.0), wrap=wrap)
    model.optimizer.learning_rate = 0.3
    best = keras.callbacks.EarlyStopping(
        patience=2, restore_best_weights=True, mode="min"
    )
    fit(model, AtTarget(best), Look())
    masks = [[x for k, x in one.items() if "mask" in k] for one in seen]
    assert any(map(np.any, map(np.not_equal, masks[0], masks[-1])))
    found = saving_process.known(model, optimizer=False)
    assert found.keys() == seen[0].keys()
    for key, value in found.items():
        np.testing.assert_array_equal(value, seen[0][key], key)
