"""Image folders, such as Caltech-256: one folder of files for each class.

Decoded once, to one file of pixels that is mapped into memory and never read
as a whole: 6 GB for the 30607 images of Caltech-256.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import tempfile

import numpy as np
import tensorflow as tf

from experiments.datasets import mnist
from tfprune.utils import validation as validation_lib

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")


def load(
    data_dir: str | os.PathLike,
    validation: int = 0,
    per_class: int = 60,
    size: int = 256,
    cache_dir: str | os.PathLike | None = None,
) -> mnist.Splits:
    """Loads a folder of class folders, as `256_ObjectCategories` is one.

    Labels follow the order of the folders' names. A shuffle of each class,
    always the same, decides which images are trained on; the others test.

    Args:
        data_dir: Path of the folder.
        validation: Integer, how many training images to hold out. Defaults
            to 0.
        per_class: Integer, training images of each class. Defaults to 60.
        size: Integer, side to which images are resized, whatever their
            proportions were, as Caffe does. Defaults to 256.
        cache_dir: Path for the decoded images. Defaults to None: the folder
            `.tfprune` inside of `data_dir`.

    Returns:
        `Splits` of uint8 `(n, size, size, 3)` and labels.

    Raises:
        FileNotFoundError: if there are no class folders with images.
        ValueError: if a class has no image left for the test, a file is
            damaged, or `validation` is out of range.
    """
    for name, count in (("per_class", per_class), ("size", size)):
        validation_lib.check_count(name, count, 1)
    folder = pathlib.Path(data_dir)
    train, test = _split(_classes(folder), per_class)
    fits = 0 <= validation < len(train)
    validation_lib.check(
        "validation", validation, fits, f"from 0 to {len(train) - 1}"
    )
    files = [path for path, _ in train + test]
    labels = np.array([label for _, label in train + test], "int64")
    cache = pathlib.Path(cache_dir or folder / ".tfprune")
    images = _decoded(files, size, cache / f"{_digest(files, size)}.npy")
    ends = len(train) - validation, len(train), len(files)
    begins = 0, *ends[:2]
    parts = [
        mnist.Split(images[begin:end], labels[begin:end])
        for begin, end in zip(begins, ends, strict=True)
    ]
    return mnist.Splits(*parts)


def _classes(folder):
    """Returns for each class its files, in order."""
    inside = sorted(folder.iterdir()) if folder.is_dir() else []
    found = {
        path.name: _files(path)
        for path in inside
        if path.is_dir() and not path.name.startswith(".")
    }
    if not any(found.values()):
        raise FileNotFoundError(
            "`data_dir` must be a folder with a folder of images for each "
            f"class, such as 001.ak47/001_0001.jpg. Received: "
            f"data_dir='{folder}', which has {len(found)} folders and no "
            "images. Caltech-256 is 256_ObjectCategories.tar, unpacked."
        )
    return {name: files for name, files in found.items() if files}


def _files(folder):
    return [x for x in sorted(folder.iterdir()) if x.suffix.lower() in SUFFIXES]


def _split(classes, per_class):
    """Returns (path, label) of the training images, shuffled, and the rest."""
    random, train, test = np.random.default_rng(0), [], []
    for label, (name, files) in enumerate(classes.items()):
        if len(files) <= per_class:
            raise ValueError(
                "`per_class` must leave each class an image to test with. "
                f"Received: per_class={per_class}, but {name} has "
                f"{len(files)} images."
            )
        mixed = [(files[i], label) for i in random.permutation(len(files))]
        train += mixed[:per_class]
        test += mixed[per_class:]
    return [train[i] for i in random.permutation(len(train))], test


def _digest(files, size):
    """Tells apart what was decoded from other files, or otherwise."""
    about = [(str(x), x.stat().st_size, x.stat().st_mtime_ns) for x in files]
    return hashlib.sha256(repr((size, about)).encode()).hexdigest()[:16]


def _decoded(files, size, path):
    """Returns the pixels of all files, from the cache if they are there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            fresh = pathlib.Path(folder) / path.name
            _decode(files, size, fresh)
            os.replace(fresh, path)
    return np.load(path, mmap_mode="r")


def _decode(files, size, path):
    shape = (len(files), size, size, 3)
    pixels = np.lib.format.open_memmap(path, "w+", np.uint8, shape)
    for row, file in enumerate(files):
        pixels[row] = _image(file, size)
    pixels.flush()


def _image(path, size):
    try:
        image = tf.io.decode_image(
            path.read_bytes(), channels=3, expand_animations=False
        )
    except tf.errors.InvalidArgumentError as error:
        raise ValueError(
            f"{path} must be an image. It is damaged or of another format: "
            "replace or remove it."
        ) from error
    resized = tf.image.resize(image, (size, size))
    return tf.cast(tf.round(resized), tf.uint8).numpy()
