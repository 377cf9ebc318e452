"""Records: encoded images and their labels, from folders or TFRecords.

A source gives two datasets of (encoded image, label): endless and shuffled,
whose order is a function of its seeds alone, and one pass in order. Records
that can't be decoded are skipped where they may be among them.
"""

from __future__ import annotations

import pathlib
import typing

import numpy as np
import tensorflow as tf

SUFFIXES = (".jpg", ".jpeg", ".png")
_FEATURES = {
    "image/encoded": tf.io.FixedLenFeature([], tf.string),
    "image/class/label": tf.io.FixedLenFeature([], tf.int64),
}
_READERS = 16


class Files(typing.NamedTuple):
    """Files of images, all of which can be decoded.

    Args:
        paths: Array of strings.
        labels: Array of integers.
    """

    paths: np.ndarray
    labels: np.ndarray

    may_be_unreadable = False

    def shuffled(self, seed: int, stage: int, begin: int) -> tf.data.Dataset:
        """Returns endless records, from record number `begin` on."""
        size = len(self.paths)

        def place(position):
            key = _key(seed, stage, position // size)
            return tf.random.experimental.index_shuffle(
                position % size, key, tf.constant(size - 1, tf.int64)
            )

        places = tf.data.Dataset.range(begin, tf.int64.max).map(place)
        return self._read(places)

    def in_order(self) -> tf.data.Dataset:
        """Returns each record once."""
        return self._read(tf.data.Dataset.range(len(self.paths)))

    def _read(self, places):
        paths = tf.constant(self.paths)
        labels = tf.constant(self.labels, tf.int64)
        return places.map(
            lambda at: (tf.io.read_file(paths[at]), labels[at]),
            num_parallel_calls=tf.data.AUTOTUNE,
        )


class TFRecords(typing.NamedTuple):
    """Shards of `tf.train.Example`, as ImageNet is usually kept.

    Args:
        shards: List of paths.
        first_label: Integer, of the first class: 1 in most such files, which
            keep 0 for the background. Defaults to 1.
        buffer: Integer, records that are shuffled at a time, beside the order
            of the shards. Defaults to 4096, half a gigabyte of ImageNet.
    """

    shards: list
    first_label: int = 1
    buffer: int = 4096

    may_be_unreadable = True

    def shuffled(self, seed: int, stage: int, begin: int) -> tf.data.Dataset:
        """Returns endless records, from record number `begin` on."""
        last = tf.constant(len(self.shards) - 1, tf.int64)

        def epoch(number):
            key = _key(seed, stage, number)
            order = tf.data.Dataset.range(len(self.shards)).map(
                lambda i: tf.random.experimental.index_shuffle(i, key, last)
            )
            return _mixed(self._read(order), self.buffer, key)

        return self._parse(_endless(epoch).skip(begin))

    def in_order(self) -> tf.data.Dataset:
        """Returns each record once."""
        order = tf.data.Dataset.range(len(self.shards))
        return self._parse(self._read(order))

    def _read(self, order):
        shards = tf.constant([str(path) for path in self.shards])
        return order.interleave(
            lambda at: tf.data.TFRecordDataset(shards[at]),
            cycle_length=_READERS,
            num_parallel_calls=tf.data.AUTOTUNE,
        )

    def _parse(self, serialized):
        def parse(record):
            found = tf.io.parse_single_example(record, _FEATURES)
            label = found["image/class/label"] - self.first_label
            return found["image/encoded"], label

        return serialized.map(parse, num_parallel_calls=tf.data.AUTOTUNE)


class Catalogue(typing.NamedTuple):
    """A dataset of TensorFlow Datasets, whose package is needed for it.

    Args:
        name: String, such as `"imagenet2012"`.
        split: String, such as `"train"`.
        data_dir: Folder, or None: TFDS' own.
        buffer: Integer, records that are shuffled at a time.
    """

    name: str
    split: str
    data_dir: str | None = None
    buffer: int = 4096

    may_be_unreadable = True

    def shuffled(self, seed: int, stage: int, begin: int) -> tf.data.Dataset:
        """Returns endless records, from record number `begin` on."""
        loaded = self._load()

        def epoch(number):
            return _mixed(loaded, self.buffer, _key(seed, stage, number))

        return _endless(epoch).skip(begin)

    def in_order(self) -> tf.data.Dataset:
        """Returns each record once."""
        return self._load()

    def _load(self):
        tfds = _tfds()
        found = tfds.load(
            self.name,
            split=self.split,
            data_dir=self.data_dir,
            decoders={"image": tfds.decode.SkipDecoding()},
        )
        return found.map(lambda row: (row["image"], row["label"]))


def folder(path) -> tuple[Files, list[str]]:
    """Returns the files of a folder of class folders, and the classes' names.

    Labels follow the order of the names.

    Raises:
        FileNotFoundError: if there are none.
    """
    root = pathlib.Path(path)
    inside = sorted(root.iterdir()) if root.is_dir() else []
    classes = [x for x in inside if x.is_dir() and x.name[0] != "."]
    found = [
        (str(file), label)
        for label, one in enumerate(classes)
        for file in sorted(one.iterdir())
        if file.suffix.lower() in SUFFIXES
    ]
    if not found:
        raise FileNotFoundError(
            "`data_dir` must be a folder with a folder of images for each "
            "class, such as train/n01440764/n01440764_18.JPEG. Received: "
            f"{str(root)!r}, which has {len(classes)} folders and no images."
        )
    paths, labels = zip(*found, strict=True)
    files = Files(np.array(paths), np.array(labels, "int64"))
    return files, [one.name for one in classes]


def shards(path, prefix: str) -> list[pathlib.Path]:
    """Returns the TFRecord files of a folder whose names begin so.

    Raises:
        FileNotFoundError: if there are none.
    """
    found = sorted(pathlib.Path(path).glob(f"{prefix}*"))
    if not found:
        raise FileNotFoundError(
            f"`data_dir` must have TFRecord files {prefix}-00000-of-01024 and "
            f"so on. Received: {str(path)!r}, which has none."
        )
    return found


def _key(seed, stage, epoch):
    """Returns the two numbers that the order of an epoch depends on."""
    return tf.stack([tf.constant(seed * 1000 + stage, tf.int64), epoch])


def _endless(epoch):
    """Returns the epochs that a function of their number gives."""
    return tf.data.Dataset.counter().flat_map(epoch)


def _mixed(dataset, buffer, key):
    """Returns a dataset in another order, which depends on the key alone.

    That of `Dataset.shuffle` depends on the seed of the process, too.
    """

    def mix(number, *rows):
        seed = tf.stack([key[0], key[1] * 2**20 + number])
        places = tf.random.experimental.stateless_shuffle(
            tf.range(tf.shape(tf.nest.flatten(rows)[0])[0]), seed
        )
        return tf.nest.map_structure(lambda x: tf.gather(x, places), rows)

    parts = dataset.batch(buffer).enumerate()
    if isinstance(dataset.element_spec, tuple):
        return parts.map(lambda number, rows: mix(number, *rows)).unbatch()
    return parts.map(lambda number, rows: mix(number, rows)[0]).unbatch()


def _tfds():
    try:
        import tensorflow_datasets
    except ImportError as error:
        raise ImportError(
            "This source needs TensorFlow Datasets: pip install "
            "tensorflow-datasets"
        ) from error
    return tensorflow_datasets
