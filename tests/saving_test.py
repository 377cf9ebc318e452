"""Every way to save a pruned model, and what goes on after it, bit for bit."""

import copy
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfprune
from tests import saving_nets as nets
from tests import saving_process
from tests import saving_ways
from tfprune import methods

FEW = [("surgery", False), ("surgery", True)]
MANY = [(name, False) for name in saving_process.METHODS]


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param(FEW, id="few"),
        pytest.param(MANY, id="many", marks=pytest.mark.slow),
    ],
)
def test_what_is_loaded_in_a_fresh_process_goes_on(cells, tmp_path):
    for cell, ways in saving_ways.compare(cells, tmp_path).items():
        masked = ways.pop("masked")
        assert masked not in ("0%", "100%")
        assert set(ways.values()) == {"yes"}, (cell, ways)


@pytest.mark.parametrize("kind", nets.KINDS)
def test_models_of_any_class_go_on(kind, tmp_path):
    model = nets.trained(nets.compiled(nets.pruned(of=kind)))
    again = nets.reloaded(model, tmp_path)
    other = nets.with_weights_of(
        model, nets.compiled(nets.pruned(2, of=kind)), tmp_path
    )
    for each in (model, again, other):
        nets.trained(each)
    nets.assert_same(model, again)
    nets.assert_same(model, other)


@pytest.mark.parametrize("kind", [nets.net, *nets.KINDS])
def test_a_model_that_was_never_compiled_keeps_its_masks(kind, tmp_path):
    model = nets.masked(nets.pruned(of=kind))
    again = nets.reloaded(model, tmp_path)
    other = nets.with_weights_of(model, nets.pruned(2, of=kind), tmp_path)
    for each in (again, other):
        nets.assert_same(model, each, optimizer=False)
    for each in (model, again, other):
        nets.trained(nets.compiled(each))
    nets.assert_same(model, again)
    nets.assert_same(model, other)


def test_a_backup_restores_a_run_that_was_killed(tmp_path):
    def fit(model, stop=None):
        def begin(epoch, logs):
            if epoch == stop:
                raise KeyboardInterrupt

        callbacks = [
            keras.callbacks.BackupAndRestore(tmp_path / str(stop is model)),
            keras.callbacks.LambdaCallback(on_epoch_begin=begin),
        ]
        model.fit(
            nets.X, nets.Y, 8, 3, shuffle=False, verbose=0, callbacks=callbacks
        )
        return model

    with pytest.raises(KeyboardInterrupt):
        fit(nets.compiled(nets.pruned()), 2)
    restored = fit(nets.compiled(nets.pruned(2)))
    whole = nets.compiled(nets.pruned())
    whole.fit(nets.X, nets.Y, 8, 3, shuffle=False, verbose=0)
    nets.assert_same(whole, restored)


def test_a_copy_goes_on(tmp_path):
    model = nets.trained(nets.compiled(nets.pruned()))
    nets.assert_same(nets.trained(copy.deepcopy(model)), nets.trained(model))
    same = nets.masked(nets.pruned())
    nets.assert_same(same, copy.deepcopy(same), optimizer=False)


def test_a_clone_starts_anew():
    model = nets.trained(nets.compiled(nets.pruned()))
    clone = keras.models.clone_model(model)
    assert all(mask.all() for mask in saving_process.masks(clone))
    assert len(saving_process.masks(clone)) == 4


def test_layers_that_were_frozen_are_pruned_on_later(tmp_path):
    model = nets.trained(nets.compiled(nets.pruned()))
    for layer in model.layers:
        layer.trainable = False
    nets.compiled(model)
    model.optimizer.build([])
    with pytest.warns(UserWarning, match="masks: a, b"):
        again = nets.reloaded(model, tmp_path)
    tfprune.settings(again)
    for each in (model, again):
        for layer in each.layers:
            layer.trainable = True
        nets.trained(nets.compiled(each))
    nets.assert_same(model, again)


def test_final_masks_stay_so(tmp_path):
    model = tfprune.freeze(nets.trained(nets.compiled(nets.pruned())))
    again = nets.trained(nets.reloaded(model, tmp_path))
    running = nets.pruned(2)
    running.compile(model.optimizer.from_config(model.optimizer.get_config()))
    running.compile(tfprune.PruningOptimizer("sgd"), "mse")
    running.fit(nets.X, nets.Y, verbose=0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Skipping variable loading")
        nets.with_weights_of(model, running, tmp_path)
    running.fit(nets.X, nets.Y, 8, 3, verbose=0)
    for each in (again, running):
        for mask, kept in zip(
            saving_process.masks(model), saving_process.masks(each), strict=True
        ):
            np.testing.assert_array_equal(mask, kept)
    nets.assert_same(nets.trained(model), again)


def test_two_methods_go_on(tmp_path):
    def build(seed):
        magnitude = methods.Magnitude(0.6, end_step=6, frequency=1)
        model = nets.pruned(seed, filters="a")
        return nets.compiled(tfprune.prune(model, magnitude, filters="b"))

    model = nets.trained(build(1))
    again = nets.trained(nets.reloaded(model, tmp_path))
    other = nets.trained(nets.with_weights_of(model, build(2), tmp_path))
    nets.trained(model)
    nets.assert_same(model, again)
    nets.assert_same(model, other)


def test_a_pruned_part_of_a_model_goes_on(tmp_path):
    def build(seed):
        model = nets.compiled(nets.nested(seed, nets.pruned(seed)))
        model.optimizer.build(model.trainable_variables)
        return model

    model = nets.trained(build(1))
    again = nets.trained(nets.reloaded(model, tmp_path))
    other = nets.trained(nets.with_weights_of(model, build(2), tmp_path))
    nets.trained(model)
    nets.assert_same(model, again)
    nets.assert_same(model, other)


def test_two_pruned_parts_with_their_optimizers_go_on(tmp_path):
    def build(seed):
        parts = [
            nets.pruned(seed),
            nets.pruned(seed + 1, methods.Magnitude(0.6)),
        ]
        for part in parts:
            nets.compiled(part).optimizer.build(part.trainable_variables)
        return keras.Sequential([keras.Input((4,)), *parts[:1]]), parts

    whole, parts = build(1)
    for part in parts:
        nets.trained(part)
    saved = tf.train.Checkpoint(whole=whole, parts=parts)
    saved.write(str(tmp_path / "checkpoint"))
    whole, others = build(5)
    other = tf.train.Checkpoint(whole=whole, parts=others)
    other.read(str(tmp_path / "checkpoint")).assert_consumed()
    for part, other in zip(parts, others, strict=True):
        nets.assert_same(nets.trained(part), nets.trained(other))
