"""How many images a second are read, decoded, cropped and batched."""

from __future__ import annotations

import os
import pathlib
import statistics
import tempfile
import time

import numpy as np
import tensorflow as tf

from benchmarks.harness import report
from experiments.datasets import records
from experiments.datasets import streams

# The mean size of ImageNet's images, and about their bytes: 110 KB.
_SHAPE, _QUALITY = (400, 470, 3), 90
_CLASSES = 10


def main(flags) -> str:
    """Returns the results of a command line."""
    return run(flags.rounds)


def run(rounds: int, images: int = 500, batch: int = 64) -> str:
    """Measures the pipeline on JPEGs that are made for it.

    Args:
        rounds: Integer; a tenth of it, in seconds of batches, is measured
            for each layout, at least 3 batches.
        images: Integer, of which each is read again and again; they are in
            the cache of the operating system. Defaults to 500.
        batch: Integer, images in a batch. Defaults to 64.

    Returns:
        A table in Markdown: images a second, the mean over batches.
    """
    with tempfile.TemporaryDirectory() as folder:
        sources = _sources(pathlib.Path(folder), images)
        rows = [
            (name, f"{_rate(source, rounds / 10, batch):.0f}")
            for name, source in sources.items()
        ]
        size = sum(
            x.stat().st_size for x in pathlib.Path(folder).rglob("*.jpg")
        )
    about = (
        f"{images} JPEGs of {_SHAPE[1]}x{_SHAPE[0]} pixels, "
        f"{size // images // 1000} KB each, to random windows of 227x227 of "
        f"256x256, in batches of {batch}, on {os.cpu_count()} cores.\n\n"
        "    python scripts/benchmark.py input_pipeline\n\n"
    )
    return about + report.table([("layout", "images a second"), *rows])


def _sources(folder, images):
    """Writes the images twice, as files and as TFRecords."""
    shards = [folder / f"train-{i:05}-of-00004" for i in range(4)]
    writers = [tf.io.TFRecordWriter(str(path)) for path in shards]
    paths, labels = [], []
    for number in range(images):
        data = tf.io.encode_jpeg(_picture(number), quality=_QUALITY).numpy()
        paths.append(folder / f"{number}.jpg")
        labels.append(number % _CLASSES)
        paths[-1].write_bytes(data)
        writers[number % 4].write(_example(data, labels[-1] + 1))
    for writer in writers:
        writer.close()
    files = records.Files(np.array(list(map(str, paths))), np.array(labels))
    return {"files": files, "tfrecords": records.TFRecords(shards)}


def _picture(number):
    """Smooth shapes and some noise, which JPEG takes as it takes photos."""
    rng = np.random.default_rng(number)
    coarse = rng.uniform(0, 255, (12, 14, 3))
    smooth = tf.image.resize(coarse, _SHAPE[:2], "bicubic").numpy()
    noisy = smooth + rng.normal(0, 12, _SHAPE)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def _example(data, label):
    train = tf.train
    feature = {
        "image/encoded": train.Feature(
            bytes_list=train.BytesList(value=[data])
        ),
        "image/class/label": train.Feature(
            int64_list=train.Int64List(value=[label])
        ),
    }
    features = train.Features(feature=feature)
    return train.Example(features=features).SerializeToString()


def _rate(source, seconds, batch):
    stream = streams.Stream(source, streams.Window(), _CLASSES)
    batches = iter(stream.shuffled(batch, 0, 0, 0))
    for _ in range(3):  # What was fetched before the clock starts.
        next(batches)
    times, end = [], time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        begin = time.perf_counter()
        next(batches)
        times.append(time.perf_counter() - begin)
    # Some batches are there at once and others are waited for.
    return batch / statistics.fmean(times)
