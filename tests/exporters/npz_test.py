"""The npz file: sparse arrays as indices and values, others whole."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune.exporters import npz


def net(sparsity):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((100,)),
            layers.Dense(200, name="sparse"),
            layers.BatchNormalization(name="norm"),
            layers.Dense(10, name="dense"),
        ]
    )
    kernel = model.get_layer("sparse").kernel
    kept = np.random.default_rng(0).random(kernel.shape) >= sparsity
    kernel.assign(np.where(kept, kernel.numpy(), 0))
    return model


def test_round_trip_is_exact(tmp_path):
    model = net(0.9)
    model.get_layer("norm").moving_mean.assign(np.arange(200.0))
    npz.save(model, tmp_path / "model.npz")
    loaded = tfprune.exporters.load_compact(tmp_path / "model.npz")
    assert [x.name for x in loaded.layers] == ["sparse", "norm", "dense"]
    assert all(type(x).__module__.startswith("keras") for x in loaded.layers)
    for old, new in zip(model.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(old.numpy(), new.numpy())


def test_what_is_zero_takes_no_space(tmp_path):
    sizes = []
    for sparsity in (0.0, 0.9, 0.99):
        path = tmp_path / f"{sparsity}.npz"
        npz.save(net(sparsity), path)
        sizes.append(path.stat().st_size)
    dense = 4 * 100 * 200
    assert sizes[0] > 0.9 * dense
    # 4 bytes of value, and 4 of an index, which the archive compresses.
    rest = sizes[2] - 8 * 0.01 * 100 * 200
    assert sizes[1] < rest + 8 * 0.1 * 100 * 200
    assert rest < 0.3 * dense


@pytest.mark.parametrize(
    "array, whole",
    [
        (np.ones((2, 3), "float32"), True),
        (np.eye(2, dtype="float32"), True),
        (np.eye(3, dtype="float32"), False),
        (np.zeros((2, 0), "float32"), True),
        (np.zeros((4, 5), "float32"), False),
        (np.array(7, "int32"), True),
        (np.array([0.0, 0.0, np.nan], "float32"), False),
    ],
)
def test_arrays_of_which_half_is_kept_stay_whole(array, whole):
    stored = npz._encode(3, array)
    assert list(stored) == (
        ["3/dense"] if whole else ["3/shape", "3/indices", "3/values"]
    )
    decoded = npz._decode(3, stored)
    assert decoded.dtype == array.dtype
    np.testing.assert_array_equal(decoded, array)


def test_adapted_statistics_are_in_use_after_loading(tmp_path):
    norm = layers.Normalization()
    norm.adapt(np.arange(12.0).reshape(4, 3))
    model = keras.Sequential([keras.Input((3,)), norm, layers.Dense(2)])
    npz.save(model, tmp_path / "model.npz")
    loaded = npz.load(tmp_path / "model.npz")
    x = np.ones((2, 3))
    np.testing.assert_array_equal(loaded(x), model(x))


@pytest.mark.parametrize("kind", ["text", "empty", "array", "archive"])
def test_a_foreign_file_is_refused(kind, tmp_path):
    path = tmp_path / "model.npz"
    if kind in ("text", "empty"):
        path.write_text("" if kind == "empty" else "hello, this is a text")
    with open(path, "ab") as file:
        if kind == "array":
            np.save(file, np.ones(3))
        if kind == "archive":
            np.savez(file, weights=np.ones(3))
    with pytest.raises(ValueError, match="must be a compressed model of tf"):
        npz.load(path)


def test_a_missing_file_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        npz.load(tmp_path / "model.npz")
