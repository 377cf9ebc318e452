"""CIFAR-10 from the binary files that its authors publish.

Each record is a byte, the label, and 3072 of an image: 32 rows of 32 pixels
in red, then in green, then in blue.

Reference:
    Krizhevsky. Learning Multiple Layers of Features from Tiny Images. 2009.
"""

from __future__ import annotations

import os
import pathlib

import numpy as np

from experiments.datasets import mnist

TRAIN = [f"data_batch_{number}.bin" for number in range(1, 6)]
TEST = "test_batch.bin"
_RECORD = 1 + 3 * 32 * 32


def load(
    data_dir: str | os.PathLike | None = None, validation: int = 0
) -> mnist.Splits:
    """Loads CIFAR-10 from a folder.

    Args:
        data_dir: path of the folder `cifar-10-batches-bin`, as
            `cifar-10-binary.tar.gz` has it. Defaults to the environment
            variable `TFPRUNE_CIFAR10_DIR`.
        validation: int, how many of the last training images to hold out.
            Defaults to 0.

    Returns:
        `Splits` of train, validation and test, raw pixels 0..255.

    Raises:
        FileNotFoundError: no folder was given, or it lacks files.
        ValueError: a file is damaged, or `validation` is out of range.
    """
    folder = data_dir or os.environ.get("TFPRUNE_CIFAR10_DIR")
    files = [pathlib.Path(folder or "") / name for name in (*TRAIN, TEST)]
    missing = [file.name for file in files if not folder or not file.is_file()]
    if missing:
        raise FileNotFoundError(
            "`data_dir` (--config.data.data_dir, or TFPRUNE_CIFAR10_DIR) must "
            "be the folder cifar-10-batches-bin of cifar-10-binary.tar.gz. "
            f"Received: data_dir={str(folder or '')!r}, which lacks "
            f"{', '.join(missing)}"
        )
    *parts, test = map(_read, files)
    images, labels = map(np.concatenate, zip(*parts, strict=True))
    if not 0 <= validation < len(labels):
        raise ValueError(
            f"`validation` must be in [0, {len(labels)}), the number of "
            f"training images. Received: validation={validation}"
        )
    cut = len(labels) - validation
    return mnist.Splits(
        mnist.Split(images[:cut], labels[:cut]),
        mnist.Split(images[cut:], labels[cut:]),
        mnist.Split(*test),
    )


def _read(file):
    """Returns the images and labels of a file."""
    raw = np.fromfile(file, np.uint8)
    whole = raw.size and raw.size % _RECORD == 0
    records = raw.reshape(-1, _RECORD) if whole else np.full((1, 1), 255)
    labels = records[:, 0].astype(np.int64)
    if labels.max() > 9:
        raise ValueError(
            f"{file.name} must have records of {_RECORD} bytes, a label 0..9 "
            f"first. Received: {raw.size} bytes that are not. Delete it and "
            "unpack it again."
        )
    planes = records[:, 1:].reshape(-1, 3, 32, 32)
    return np.ascontiguousarray(np.moveaxis(planes, 1, -1)), labels
