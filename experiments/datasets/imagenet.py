"""ImageNet and other large sets of images: streams from where they are kept.

folders    data_dir/train/<class>/*.JPEG, data_dir/val/<class>/*.JPEG
tfrecords  data_dir/train-*, data_dir/validation-*
tfds       a dataset of TensorFlow Datasets, by name
"""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import warnings

import numpy as np

from experiments.datasets import mnist
from experiments.datasets import records
from experiments.datasets import streams
from tfprune.exporters import files as files_lib
from tfprune.utils import validation


def load(
    data_dir: str | os.PathLike,
    layout: str = "folders",
    classes: int = 1000,
    size: int = 256,
    crop: int = 227,
    mean: str | tuple = (0.0, 0.0, 0.0),
    bgr: bool = False,
    dataset: str = "imagenet2012",
    cache_dir: str | os.PathLike | None = None,
) -> mnist.Splits:
    """Opens a set of images; what is in it stays where it is.

    Files of folders that can't be decoded are skipped, counted and listed in
    a warning; for that all are read once, and the result is kept beside them.

    Args:
        data_dir: Folder; for `"tfds"` that of the package, or an empty
            string.
        layout: `"folders"` (default), `"tfrecords"` or `"tfds"`.
        classes: Integer, of the labels. Defaults to 1000.
        size: Integer, side to which images are resized. Defaults to 256.
        crop: Integer, side of the window that a net sees. Defaults to 227.
        mean: Three numbers, red first, or a `.npy` file of a mean image.
            Defaults to 0.
        bgr: Bool: blue first. Defaults to False.
        dataset: String, name of a dataset of TFDS. Defaults to
            `"imagenet2012"`.
        cache_dir: Folder for the list of files that were skipped. Defaults
            to None: `.tfprune` in `data_dir`.

    Returns:
        `Splits`: streams to train on and to test with; nothing is held out.

    Raises:
        FileNotFoundError: if there are no images.
        ValueError: for an unknown layout, folders that are no classes of the
            net, or files of which none can be decoded.
    """
    if layout not in _LAYOUTS:
        raise ValueError(validation.unknown("layout", layout, _LAYOUTS))
    mean = np.load(mean) if isinstance(mean, str) else tuple(mean)
    window = streams.Window(size, crop, mean, bgr)
    cache = pathlib.Path(cache_dir or pathlib.Path(data_dir) / ".tfprune")
    train, test = _LAYOUTS[layout](data_dir, classes, dataset, cache)
    nothing = mnist.Split(
        np.zeros((0, crop, crop, 3), "uint8"), np.zeros(0, "int64")
    )
    return mnist.Splits(
        streams.Stream(train, window, classes),
        nothing,
        streams.Stream(test, window, classes),
    )


def _folders(data_dir, classes, dataset, cache):
    root = pathlib.Path(data_dir)
    (train, names), (test, others) = [
        records.folder(root / name) for name in ("train", "val")
    ]
    if names != others or len(names) > classes:
        raise ValueError(
            "`data_dir` must have the same folders in train and in val, at "
            f"most classes={classes}, or labels would be out of range. "
            f"Received: {str(root)!r} with {len(names)} folders in train and "
            f"{len(others)} in val; not in both are "
            f"{sorted({*names} ^ {*others})[:5]}"
        )
    return [_readable(files, cache) for files in (train, test)]


def _readable(files, cache):
    """Returns the files that can be decoded; the others are told of."""
    path = cache / f"unreadable-{_digest(files)}.json"
    if path.exists():
        bad = json.loads(path.read_text())
    else:
        bad = [str(files.paths[i]) for i in streams.unreadable(files)]
        cache.mkdir(parents=True, exist_ok=True)
        text = json.dumps(bad, indent=2)
        files_lib.write_atomically(path, lambda file: file.write(text.encode()))
    if bad:
        listed = "".join(f"\n  {name}" for name in bad[:20])
        more = f"\n  and {len(bad) - 20} more" if len(bad) > 20 else ""
        warnings.warn(
            f"{len(bad)} of {len(files.paths)} images can't be decoded and "
            f"are skipped ({path} lists them):{listed}{more}",
            stacklevel=2,
        )
    good = ~np.isin(files.paths, bad)
    if not good.any():
        raise ValueError(
            "`data_dir` must have images. Received: files of which none can be "
            f"decoded, such as {files.paths[0]!r}"
        )
    return records.Files(files.paths[good], files.labels[good])


def _digest(files):
    about = [
        (str(path), os.stat(path).st_size, os.stat(path).st_mtime_ns)
        for path in files.paths
    ]
    return hashlib.sha256(repr(about).encode()).hexdigest()[:16]


def _tfrecords(data_dir, classes, dataset, cache):
    return [
        records.TFRecords(records.shards(data_dir, prefix))
        for prefix in ("train-", "validation-")
    ]


def _tfds(data_dir, classes, dataset, cache):
    return [
        records.Catalogue(dataset, split, str(data_dir) or None)
        for split in ("train", "validation")
    ]


_LAYOUTS = {"folders": _folders, "tfrecords": _tfrecords, "tfds": _tfds}
