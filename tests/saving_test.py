"""Every way to save a pruned model, and what goes on after it, bit for bit."""

import copy
import pathlib
import subprocess
import sys
import warnings
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfprune
from tests import saving_process
from tfprune import methods

# Keras drops what an optimizer that is not built is to load, and says so.
SLOTS = "ignore:Skipping variable loading"
FEW = [("surgery", False), ("surgery", True)]
MANY = [(name, False) for name in saving_process.METHODS]
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(32, 4)).astype("float32")
Y = RANDOM.normal(size=(32, 3)).astype("float32")


def assert_same(one, other, optimizer=True):
    one, other = (saving_process.known(x, optimizer) for x in (one, other))
    different = [
        key
        for key in {**one, **other}
        if key not in one
        or key not in other
        or not np.array_equal(
            one[key].astype(float), other[key].astype(float), equal_nan=True
        )
    ]
    assert not different


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param(FEW, id="few"),
        pytest.param(MANY, id="many", marks=pytest.mark.slow),
    ],
)
def test_what_is_loaded_in_a_fresh_process_goes_on(cells, tmp_path):
    expected = {}
    for name, wrap in cells:
        model = saving_process.compiled(name, wrap)
        done = 0
        for first in (3, 9):  # In the middle of the ramp, and after it.
            saving_process.train(model, first - done, done)
            path = tmp_path / f"{name}-{first}-{'wrapped' if wrap else ''}"
            saving_process.save_all(model, path)
            done = first + saving_process.STEPS
            saving_process.train(model, saving_process.STEPS, first)
            expected[path] = saving_process.known(model)
    command = [sys.executable, "-m", "tests.saving_process", str(tmp_path)]
    folder = pathlib.Path(__file__).parents[1]
    subprocess.run(command, cwd=folder, check=True)
    for path, arrays in expected.items():
        assert any(not x.all() for k, x in arrays.items() if "mask" in k)
        for way in saving_process.ways(path):
            found = dict(np.load(path / f"{way}.npz"))
            assert found.keys() == arrays.keys(), (path.name, way, found)
            for key, value in arrays.items():
                np.testing.assert_array_equal(
                    found[key], value, f"{path.name}: {way}: {key}"
                )


def net(seed=1):
    keras.utils.set_random_seed(seed)
    x = keras.Input((4,))
    hidden = keras.layers.Dense(6, "relu", name="a")(x)
    return keras.Model(x, keras.layers.Dense(3, name="b")(hidden))


def pruned(seed=1, method=None, of=net, **kwargs):
    method = method or methods.Surgery(0.5, gamma=0.1)
    return tfprune.prune(of(seed), method, **kwargs)


def compiled(model, optimizer=None):
    optimizer = optimizer or tfprune.PruningOptimizer(
        keras.optimizers.SGD(0.1, momentum=0.9)
    )
    model.compile(optimizer, "mse", run_eagerly=True)
    return model


def trained(model, steps=3):
    for step in range(steps):
        rows = slice(8 * step, 8 * step + 8)
        model.train_on_batch(X[rows], Y[rows])
    return model


def masked(model):
    """The model, with a mask that no step has made."""
    layer = next(iter(tfprune.settings(model)))
    mask = np.ones((4, 6), bool)
    mask[0] = False
    tfprune.set_mask(model, layer, mask)
    return model


def reloaded(model, path):
    model.save(path / "model.keras")
    return keras.models.load_model(path / "model.keras")


def with_weights_of(saved, model, path):
    saved.save_weights(path / "model.weights.h5")
    model.load_weights(path / "model.weights.h5")
    return model


@keras.saving.register_keras_serializable("saving_test")
class Subclassed(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.a = keras.layers.Dense(6, "relu", name="a")
        self.b = keras.layers.Dense(3, name="b")

    def call(self, x):
        return self.b(self.a(x))


@keras.saving.register_keras_serializable("saving_test")
class Custom(keras.Model):
    def __init__(self, width=6, **kwargs):
        x = keras.Input((4,))
        hidden = keras.layers.Dense(width, "relu", name="a")(x)
        y = keras.layers.Dense(3, name="b")(hidden)
        super().__init__(x, y, **kwargs)
        self.width = width

    def get_config(self):
        return {"width": self.width}


def subclassed(seed):
    keras.utils.set_random_seed(seed)
    model = Subclassed()
    model(X)
    return model


def custom(seed):
    keras.utils.set_random_seed(seed)
    return Custom()


def nested(seed, inner=None):
    keras.utils.set_random_seed(seed)
    x = keras.Input((4,))
    inner = inner or net(seed)
    return keras.Model(x, keras.layers.Dense(3, name="a")(inner(x)))


def sequential(seed):
    keras.utils.set_random_seed(seed)
    parts = [
        keras.Sequential([keras.Input((4,)), keras.layers.Dense(6, name="d")]),
        keras.Sequential([keras.Input((6,)), keras.layers.Dense(3, name="d")]),
    ]
    return keras.Sequential([keras.Input((4,)), *parts])


KINDS = [subclassed, custom, nested, sequential]


@pytest.mark.parametrize("kind", KINDS)
def test_models_of_any_class_go_on(kind, tmp_path):
    model = trained(compiled(pruned(of=kind)))
    again = reloaded(model, tmp_path)
    other = with_weights_of(model, compiled(pruned(2, of=kind)), tmp_path)
    for each in (model, again, other):
        trained(each)
    assert_same(model, again)
    assert_same(model, other)


@pytest.mark.parametrize("kind", [net, *KINDS])
def test_a_model_that_was_never_compiled_keeps_its_masks(kind, tmp_path):
    model = masked(pruned(of=kind))
    again = reloaded(model, tmp_path)
    other = with_weights_of(model, pruned(2, of=kind), tmp_path)
    for each in (again, other):
        assert_same(model, each, optimizer=False)
    for each in (model, again, other):
        trained(compiled(each))
    assert_same(model, again)
    assert_same(model, other)


@pytest.mark.filterwarnings(SLOTS)
def test_weights_of_a_compiled_model_bring_masks_to_one_that_is_not(tmp_path):
    model = trained(compiled(pruned()))
    other = with_weights_of(model, pruned(2), tmp_path)
    assert_same(model, other, optimizer=False)


@pytest.mark.filterwarnings(SLOTS)
def test_so_do_weights_in_mixed_precision(tmp_path):
    keras.config.set_dtype_policy("mixed_float16")
    model = trained(compiled(pruned()))
    assert_same(
        model, with_weights_of(model, pruned(2), tmp_path), optimizer=False
    )
    again = trained(reloaded(model, tmp_path))
    assert_same(trained(model), again)


@pytest.mark.filterwarnings(SLOTS)
@pytest.mark.parametrize("compile", [False, True])
@pytest.mark.parametrize("built", [False, True])
def test_weights_without_masks_are_masked_by_those_there_are(
    compile, built, tmp_path
):
    model = masked(pruned())
    if compile:
        compiled(model)
    if built:
        model.optimizer.build(model.trainable_variables)
    mask, *_ = saving_process.masks(model)
    plain = compiled(net(5), "sgd")
    with pytest.warns(UserWarning, match="no masks") as caught:
        with_weights_of(plain, model, tmp_path)
    assert len([x for x in caught if "masks" in str(x.message)]) == 1
    np.testing.assert_array_equal(saving_process.masks(model)[0], mask)
    np.testing.assert_array_equal(
        model.layers[1].kernel, np.where(mask, plain.layers[1].kernel, 0)
    )


def test_a_backup_restores_a_run_that_was_killed(tmp_path):
    def fit(model, stop=None):
        def begin(epoch, logs):
            if epoch == stop:
                raise KeyboardInterrupt

        callbacks = [
            keras.callbacks.BackupAndRestore(tmp_path / str(stop is model)),
            keras.callbacks.LambdaCallback(on_epoch_begin=begin),
        ]
        model.fit(X, Y, 8, 3, shuffle=False, verbose=0, callbacks=callbacks)
        return model

    with pytest.raises(KeyboardInterrupt):
        fit(compiled(pruned()), 2)
    restored = fit(compiled(pruned(2)))
    whole = compiled(pruned())
    whole.fit(X, Y, 8, 3, shuffle=False, verbose=0)
    assert_same(whole, restored)


def test_a_copy_goes_on(tmp_path):
    model = trained(compiled(pruned()))
    assert_same(trained(copy.deepcopy(model)), trained(model))
    assert_same(
        *(x for x in (masked(pruned()),) for x in (x, copy.deepcopy(x))),
        optimizer=False,
    )


def test_a_clone_starts_anew():
    model = trained(compiled(pruned()))
    clone = keras.models.clone_model(model)
    assert all(mask.all() for mask in saving_process.masks(clone))
    assert len(saving_process.masks(clone)) == 4


def test_layers_that_were_frozen_are_pruned_on_later(tmp_path):
    model = trained(compiled(pruned()))
    for layer in model.layers:
        layer.trainable = False
    compiled(model)
    model.optimizer.build([])
    with pytest.warns(UserWarning, match="masks: a, b"):
        again = reloaded(model, tmp_path)
    tfprune.settings(again)
    for each in (model, again):
        for layer in each.layers:
            layer.trainable = True
        trained(compiled(each))
    assert_same(model, again)


def test_final_masks_stay_so(tmp_path):
    model = tfprune.freeze(trained(compiled(pruned())))
    again = trained(reloaded(model, tmp_path))
    running = pruned(2)
    running.compile(model.optimizer.from_config(model.optimizer.get_config()))
    running.compile(tfprune.PruningOptimizer("sgd"), "mse")
    running.fit(X, Y, verbose=0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Skipping variable loading")
        with_weights_of(model, running, tmp_path)
    running.fit(X, Y, 8, 3, verbose=0)
    for each in (again, running):
        for mask, kept in zip(
            saving_process.masks(model), saving_process.masks(each), strict=True
        ):
            np.testing.assert_array_equal(mask, kept)
    assert_same(trained(model), again)


def test_two_methods_go_on(tmp_path):
    def build(seed):
        magnitude = methods.Magnitude(0.6, end_step=6, frequency=1)
        model = pruned(seed, filters="a")
        return compiled(tfprune.prune(model, magnitude, filters="b"))

    model = trained(build(1))
    again = trained(reloaded(model, tmp_path))
    other = trained(with_weights_of(model, build(2), tmp_path))
    trained(model)
    assert_same(model, again)
    assert_same(model, other)


def test_a_pruned_part_of_a_model_goes_on(tmp_path):
    def build(seed):
        model = compiled(nested(seed, pruned(seed)))
        model.optimizer.build(model.trainable_variables)
        return model

    model = trained(build(1))
    again = trained(reloaded(model, tmp_path))
    other = trained(with_weights_of(model, build(2), tmp_path))
    trained(model)
    assert_same(model, again)
    assert_same(model, other)


def test_two_pruned_parts_with_their_optimizers_go_on(tmp_path):
    def build(seed):
        parts = [pruned(seed), pruned(seed + 1, methods.Magnitude(0.6))]
        for part in parts:
            compiled(part).optimizer.build(part.trainable_variables)
        return keras.Sequential([keras.Input((4,)), *parts[:1]]), parts

    whole, parts = build(1)
    for part in parts:
        trained(part)
    saved = tf.train.Checkpoint(whole=whole, parts=parts)
    saved.write(str(tmp_path / "checkpoint"))
    whole, others = build(5)
    other = tf.train.Checkpoint(whole=whole, parts=others)
    other.read(str(tmp_path / "checkpoint")).assert_consumed()
    for part, other in zip(parts, others, strict=True):
        assert_same(trained(part), trained(other))


@pytest.mark.filterwarnings(SLOTS)
@pytest.mark.parametrize(
    "other",
    [{"method": methods.Magnitude(0.5)}, {"filters": "a"}],
    ids=["method", "layers"],
)
def test_files_of_another_pruning_change_no_mask(other, tmp_path):
    model = masked(compiled(pruned()))
    before = saving_process.masks(model)
    with pytest.raises(ValueError, match="another method"):
        with_weights_of(trained(compiled(pruned(**other))), model, tmp_path)
    for mask, now in zip(before, saving_process.masks(model), strict=True):
        np.testing.assert_array_equal(mask, now)


def test_a_damaged_file_changes_nothing(tmp_path):
    model = trained(compiled(pruned()))
    path = tmp_path / "model.weights.h5"
    model.save_weights(path)
    before = saving_process.known(model)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(OSError, match="truncated"):
        model.load_weights(path)
    for key, value in saving_process.known(model).items():
        np.testing.assert_array_equal(value, before[key])


def test_a_file_of_a_plain_optimizer_says_that_it_has_no_masks(tmp_path):
    model = compiled(masked(pruned()), "sgd")
    with pytest.warns(UserWarning, match="no masks"):
        model.save(tmp_path / "model.keras")


def test_verbs_work_on_what_was_loaded_and_strip_leaves_a_plain_model(
    tmp_path,
):
    model = reloaded(trained(compiled(pruned())), tmp_path)
    tfprune.settings(model)["a"]["c"] = 0.7
    masked(model)
    assert "sparsity" in str(tfprune.report(model))
    trained(compiled(tfprune.freeze(trained(model, 1))))
    expected = model(X)
    plain = reloaded(tfprune.strip(model), tmp_path)
    with zipfile.ZipFile(tmp_path / "model.keras") as file:
        assert b"tfprune" not in file.read("config.json")
    assert not saving_process.masks(plain)
    np.testing.assert_array_equal(plain(X), expected)
    trained(plain)


def test_a_file_loads_as_a_plain_model(tmp_path):
    model = trained(compiled(pruned()))
    model.save(tmp_path / "model.keras")
    plain = keras.models.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_array_equal(plain(X), model(X))
    assert not saving_process.masks(plain)
    other = net(3)
    other.set_weights(model.get_weights())
    np.testing.assert_array_equal(other(X), model(X))


def test_a_saved_model_has_no_masks(tmp_path):
    model = trained(compiled(pruned()))
    model.export(tmp_path / "exported", verbose=False)
    tf.saved_model.save(model, str(tmp_path / "saved"))
    for name in ("exported", "saved"):
        path = tmp_path / name / "variables" / "variables"
        found = [key for key, _ in tf.train.list_variables(str(path))]
        assert found
        assert not [key for key in found if "mask" in key or "hidden" in key]
