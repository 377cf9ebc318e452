"""MNIST's loader on small files in the real formats."""

import gzip
import io
import os
import pathlib
import pickle
import struct
import zipfile

import numpy as np
import pytest

from experiments.datasets import mnist
from experiments.datasets import mnist_files

STEMS = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}


@pytest.fixture(autouse=True)
def lonely(tmp_path, monkeypatch):
    """No data, no caches but empty ones, and no network."""
    monkeypatch.delenv("TFPRUNE_DATA_DIR", raising=False)
    monkeypatch.setenv("TFPRUNE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    local = [source for source in mnist.SOURCES if not source.remote]
    monkeypatch.setattr(mnist, "SOURCES", local)


@pytest.fixture
def arrays():
    rng = np.random.default_rng(7)
    return {
        "x_train": rng.integers(0, 256, (12, 28, 28), dtype=np.uint8),
        "y_train": rng.integers(0, 10, 12, dtype=np.uint8),
        "x_test": rng.integers(0, 256, (5, 28, 28), dtype=np.uint8),
        "y_test": rng.integers(0, 10, 5, dtype=np.uint8),
    }


def idx(array):
    shape = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, 8, array.ndim]) + shape + array.tobytes()


def write_idx(folder, arrays, zipped=False):
    for key, array in arrays.items():
        name = STEMS[key] + ".gz" * zipped
        data = gzip.compress(idx(array)) if zipped else idx(array)
        (folder / name).write_bytes(data)


def check(splits, arrays, validation=0):
    images = np.concatenate([splits.train.images, splits.validation.images])
    labels = np.concatenate([splits.train.labels, splits.validation.labels])
    np.testing.assert_array_equal(images[..., 0], arrays["x_train"])
    np.testing.assert_array_equal(labels, arrays["y_train"])
    np.testing.assert_array_equal(splits.test.images[..., 0], arrays["x_test"])
    np.testing.assert_array_equal(splits.test.labels, arrays["y_test"])
    assert len(splits.validation.labels) == validation
    assert images.dtype == np.uint8
    assert labels.dtype == np.int64


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("validation", [0, 1, 11])
def test_idx(tmp_path, arrays, zipped, validation):
    write_idx(tmp_path, arrays, zipped)
    check(mnist.load(tmp_path, validation), arrays, validation)


def test_npz_and_environment(tmp_path, arrays, monkeypatch):
    np.savez(tmp_path / "mnist.npz", **arrays)
    monkeypatch.setenv("TFPRUNE_DATA_DIR", str(tmp_path))
    check(mnist.load(), arrays)


def test_validation_as_test_takes_the_place_of_the_test_set(tmp_path, arrays):
    write_idx(tmp_path, arrays)
    found = mnist.load(tmp_path, validation=3, validation_as_test=4)
    assert [len(x.labels) for x in found] == [5, 3, 4]
    for name in ("images", "labels"):
        parts = [getattr(split, name) for split in found]
        key = {"images": "x_train", "labels": "y_train"}[name]
        whole = np.squeeze(np.concatenate(parts))
        np.testing.assert_array_equal(whole, arrays[key])


@pytest.mark.parametrize("validation_as_test", [-1, 12])
def test_validation_as_test_out_of_range(tmp_path, arrays, validation_as_test):
    write_idx(tmp_path, arrays)
    with pytest.raises(
        ValueError, match=r"`validation_as_test` must be in \[0, 12\)"
    ):
        mnist.load(tmp_path, validation_as_test=validation_as_test)


@pytest.mark.parametrize("validation", [-1, 12])
def test_validation_out_of_range(tmp_path, arrays, validation):
    write_idx(tmp_path, arrays)
    with pytest.raises(ValueError, match=r"`validation` must be in \[0, 12\)"):
        mnist.load(tmp_path, validation)


def test_a_given_folder_must_hold_all_files(tmp_path, arrays):
    with pytest.raises(FileNotFoundError, match="t10k-labels.*each plain"):
        mnist.load(tmp_path)
    del arrays["y_test"]
    write_idx(tmp_path, arrays)
    with pytest.raises(FileNotFoundError, match="lacks t10k-labels-idx1-ubyte"):
        mnist.load(tmp_path)


@pytest.mark.parametrize(
    "damage, complaint",
    [
        (lambda data: data[:-1], r"expected 9424 bytes.*Received: 9423"),
        (lambda data: data + b"!", r"expected 9424 bytes.*Received: 9425"),
        (lambda data: data[:9], "a header of 16 bytes"),
        (lambda data: b"", "magic 00000803"),
        (lambda data: b"\0\0\x08\x01" + data[4:], "magic 00000803.*00000801"),
        (lambda data: gzip.compress(data)[:-9], "a whole gzip stream"),
    ],
)
def test_damaged_idx(tmp_path, arrays, damage, complaint):
    write_idx(tmp_path, arrays)
    path = tmp_path / STEMS["x_train"]
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=complaint) as caught:
        mnist.load(tmp_path)
    assert str(path) in str(caught.value)
    assert "Delete it, or name" in str(caught.value)


@pytest.mark.parametrize(
    "key, value, complaint",
    [
        ("y_train", np.full(12, 10, np.uint8), "in 0..9. Received: label 10"),
        ("y_train", np.zeros(11, np.uint8), "as many train labels as images"),
        ("x_test", np.zeros((5, 28, 27), np.uint8), r"uint8 \(n, 28, 28\)"),
        ("x_test", np.zeros((5, 28, 28)), r"Received: float64 \(5, 28, 28\)"),
    ],
)
def test_unsound_contents(tmp_path, arrays, key, value, complaint):
    np.savez(tmp_path / "mnist.npz", **{**arrays, key: value})
    with pytest.raises(ValueError, match=complaint):
        mnist.load(tmp_path)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04junk", b"no archive"])
def test_damaged_npz(tmp_path, data):
    (tmp_path / "mnist.npz").write_bytes(data)
    with pytest.raises(ValueError, match="an npz archive of x_train"):
        mnist.load(tmp_path)


def test_npz_never_unpickles(tmp_path, arrays):
    arrays["y_train"] = np.array([Bomb()] * 12)
    np.savez(tmp_path / "mnist.npz", **arrays)
    with pytest.raises(ValueError, match="an npz archive"):
        mnist.load(tmp_path)


def test_full_size_must_be_mnist(tmp_path):
    zeros = {
        f"{kind}_{split}": np.zeros((count, *shape), np.uint8)
        for split, count in (("train", 60000), ("test", 10000))
        for kind, shape in (("x", (28, 28)), ("y", ()))
    }
    np.savez_compressed(tmp_path / "mnist.npz", **zeros)
    with pytest.raises(ValueError, match="sha256 ba891046"):
        mnist.load(tmp_path)


@pytest.mark.parametrize("place", ["cache", "keras/datasets"])
def test_caches_must_hold_mnist_itself(tmp_path, arrays, place):
    (tmp_path / place).mkdir(parents=True)
    np.savez(tmp_path / place / "mnist.npz", **arrays)
    with pytest.raises(ValueError, match="sha256 ba891046") as caught:
        mnist.load()
    assert str(tmp_path / place / "mnist.npz") in str(caught.value)


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("exploded",)


def test_closed_unpickler_refuses(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stream = io.BytesIO(pickle.dumps(Bomb()))
    with pytest.raises(pickle.UnpicklingError, match=r"reference to .*mkdir"):
        mnist_files.ClosedUnpickler(stream).load()
    assert not os.path.exists("exploded")


def test_wheel(tmp_path, arrays):
    """The wheel holds floats, pixel / 256, as (train, validation, test)."""
    flat = {
        k: v.reshape(len(v), -1) / np.float32(256) for k, v in arrays.items()
    }
    images, labels = flat["x_train"], arrays["y_train"].astype(np.int64)
    test = flat["x_test"], arrays["y_test"].astype(np.int64)
    parts = (images[:9], labels[:9]), (images[9:], labels[9:]), test
    # The wheel knows NumPy's module by its old name; NumPy 2 writes the new.
    data = pickle.dumps(parts, protocol=3).replace(b"py._core", b"py.core")
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as wheel:
        wheel.writestr("mnist/data/mnist.pkl.gz", gzip.compress(data))
    found = mnist_files.read_wheel(tmp_path / "a.whl")
    for key, array in arrays.items():
        np.testing.assert_array_equal(found[key], array)
        assert found[key].dtype == np.uint8


def failing(name, words):
    def fetch():
        raise OSError(words)

    return mnist.Source(name, fetch, remote=True)


def test_error_lists_every_source(monkeypatch):
    remote = [failing("far", "no route"), failing("farther", "404")]
    monkeypatch.setattr(mnist, "SOURCES", mnist.SOURCES + remote)
    with pytest.raises(RuntimeError, match="not found. Tried") as caught:
        mnist.load()
    for words in (
        *("tfprune's cache: no file", "the Keras cache: no file"),
        *("far: no route", "farther: 404", "TFPRUNE_DATA_DIR"),
    ):
        assert words in str(caught.value)


def test_fetched_data_are_cached_whole(tmp_path, arrays, monkeypatch):
    good = mnist.Source("good", lambda: arrays, remote=True)
    sources = [*mnist.SOURCES, failing("bad", "down"), good]
    monkeypatch.setattr(mnist, "SOURCES", sources)
    check(mnist.load(), arrays)
    assert os.listdir(tmp_path / "cache") == ["mnist.npz"]
    with np.load(tmp_path / "cache" / "mnist.npz") as stored:
        np.testing.assert_array_equal(stored["y_test"], arrays["y_test"])


def test_a_broken_write_leaves_no_cache(tmp_path, arrays, monkeypatch):
    def half(path, **arrays):
        pathlib.Path(path).write_bytes(b"half")
        raise OSError("disk full")

    good = mnist.Source("good", lambda: arrays, remote=True)
    monkeypatch.setattr(mnist, "SOURCES", [good])
    monkeypatch.setattr(np, "savez_compressed", half)
    with pytest.warns(UserWarning, match="not cached.*disk full"):
        check(mnist.load(), arrays)
    assert os.listdir(tmp_path / "cache") == []
