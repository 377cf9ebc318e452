"""What files of pruned models hold, and what loads them without masks."""

import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfprune
from tests import saving_nets as nets
from tests import saving_process
from tfprune import methods


@pytest.mark.filterwarnings(nets.SLOTS)
def test_weights_of_a_compiled_model_bring_masks_to_one_that_is_not(tmp_path):
    model = nets.trained(nets.compiled(nets.pruned()))
    other = nets.with_weights_of(model, nets.pruned(2), tmp_path)
    nets.assert_same(model, other, optimizer=False)


@pytest.mark.filterwarnings(nets.SLOTS)
def test_so_do_weights_in_mixed_precision(tmp_path):
    keras.config.set_dtype_policy("mixed_float16")
    model = nets.trained(nets.compiled(nets.pruned()))
    nets.assert_same(
        model,
        nets.with_weights_of(model, nets.pruned(2), tmp_path),
        optimizer=False,
    )
    again = nets.trained(nets.reloaded(model, tmp_path))
    nets.assert_same(nets.trained(model), again)


@pytest.mark.filterwarnings(nets.SLOTS)
@pytest.mark.parametrize("compile", [False, True])
@pytest.mark.parametrize("built", [False, True])
def test_weights_without_masks_are_masked_by_those_there_are(
    compile, built, tmp_path
):
    model = nets.masked(nets.pruned())
    if compile:
        nets.compiled(model)
    if built:
        model.optimizer.build(model.trainable_variables)
    mask, *_ = saving_process.masks(model)
    plain = nets.compiled(nets.net(5), "sgd")
    with pytest.warns(UserWarning, match="no masks") as caught:
        nets.with_weights_of(plain, model, tmp_path)
    assert len([x for x in caught if "masks" in str(x.message)]) == 1
    np.testing.assert_array_equal(saving_process.masks(model)[0], mask)
    np.testing.assert_array_equal(
        model.layers[1].kernel, np.where(mask, plain.layers[1].kernel, 0)
    )


@pytest.mark.filterwarnings(nets.SLOTS)
@pytest.mark.parametrize(
    "other",
    [{"method": methods.Magnitude(0.5)}, {"filters": "a"}],
    ids=["method", "layers"],
)
def test_files_of_another_pruning_change_no_mask(other, tmp_path):
    model = nets.masked(nets.compiled(nets.pruned()))
    before = saving_process.masks(model)
    with pytest.raises(ValueError, match="another method"):
        nets.with_weights_of(
            nets.trained(nets.compiled(nets.pruned(**other))), model, tmp_path
        )
    for mask, now in zip(before, saving_process.masks(model), strict=True):
        np.testing.assert_array_equal(mask, now)


def test_a_damaged_file_changes_nothing(tmp_path):
    model = nets.trained(nets.compiled(nets.pruned()))
    path = tmp_path / "model.weights.h5"
    model.save_weights(path)
    before = saving_process.known(model)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(OSError, match="truncated"):
        model.load_weights(path)
    for key, value in saving_process.known(model).items():
        np.testing.assert_array_equal(value, before[key])


def test_a_file_of_a_plain_optimizer_says_that_it_has_no_masks(tmp_path):
    model = nets.compiled(nets.masked(nets.pruned()), "sgd")
    with pytest.warns(UserWarning, match="no masks"):
        model.save(tmp_path / "model.keras")


def test_verbs_work_on_what_was_loaded_and_strip_leaves_a_plain_model(tmp_path):
    model = nets.reloaded(nets.trained(nets.compiled(nets.pruned())), tmp_path)
    tfprune.settings(model)["a"]["c"] = 0.7
    nets.masked(model)
    assert "sparsity" in str(tfprune.report(model))
    nets.trained(nets.compiled(tfprune.freeze(nets.trained(model, 1))))
    expected = model(nets.X)
    plain = nets.reloaded(tfprune.strip(model), tmp_path)
    with zipfile.ZipFile(tmp_path / "model.keras") as file:
        assert b"tfprune" not in file.read("config.json")
    assert not saving_process.masks(plain)
    np.testing.assert_array_equal(plain(nets.X), expected)
    nets.trained(plain)


def test_a_file_loads_as_a_plain_model(tmp_path):
    model = nets.trained(nets.compiled(nets.pruned()))
    model.save(tmp_path / "model.keras")
    plain = keras.models.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_array_equal(plain(nets.X), model(nets.X))
    assert not saving_process.masks(plain)
    other = nets.net(3)
    other.set_weights(model.get_weights())
    np.testing.assert_array_equal(other(nets.X), model(nets.X))


def test_a_saved_model_has_no_masks(tmp_path):
    model = nets.trained(nets.compiled(nets.pruned()))
    model.export(tmp_path / "exported", verbose=False)
    tf.saved_model.save(model, str(tmp_path / "saved"))
    for name in ("exported", "saved"):
        path = tmp_path / name / "variables" / "variables"
        found = [key for key, _ in tf.train.list_variables(str(path))]
        assert found
        assert not [key for key in found if "mask" in key or "hidden" in key]


@keras.saving.register_keras_serializable("saving_files")
class OwnCompile(keras.Sequential):
    def compile(self, weight=1.0, **kwargs):
        super().compile(**kwargs)
        self.weight = weight


def own_compile(seed):
    keras.utils.set_random_seed(seed)
    hidden = keras.layers.Dense(6, "relu", name="a")
    parts = [keras.Input((4,)), hidden, keras.layers.Dense(3, name="b")]
    return OwnCompile(parts)


@pytest.mark.filterwarnings("ignore:.*was not called as part of model loading")
def test_a_class_that_compiles_itself_says_that_its_file_has_no_masks(tmp_path):
    """Keras does not compile what it loads of such a class."""

    def compiled(model):
        model.compile(
            optimizer=tfprune.PruningOptimizer("sgd"),
            loss="mse",
            run_eagerly=True,
        )
        return model

    model = nets.trained(compiled(nets.pruned(of=own_compile)))
    with pytest.warns(UserWarning, match="no masks. Prune"):
        again = nets.reloaded(model, tmp_path)
    assert not saving_process.masks(again)
    method = methods.Surgery(0.5, gamma=0.1)
    again = compiled(tfprune.prune(again, method))
    again.optimizer.build(again.trainable_variables)
    nets.with_weights_of(model, again, tmp_path)
    nets.assert_same(nets.trained(model), nets.trained(again))


@pytest.mark.filterwarnings("ignore:Layer InputLayer does not have")
def test_quantizing_what_was_loaded_is_not_silent(tmp_path):
    """Until tfprune sees a loaded model, nothing can refuse it."""
    model = nets.trained(nets.compiled(nets.pruned()))
    again = nets.reloaded(model, tmp_path)
    again.quantize("int8")
    with pytest.warns(UserWarning, match="nothing: a, b. Was"):
        tfprune.strip(again)
