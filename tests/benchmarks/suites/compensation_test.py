"""The table of what fitting saves, on a few made-up digits."""

import numpy as np

from benchmarks.suites import compensation
from experiments.datasets import mnist


def digits(count, seed):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 10, count)
    images = random.integers(0, 60, (count, 28, 28, 1))
    for image, label in zip(images, labels, strict=True):
        image[2 * label : 2 * label + 6] += 150
    return mnist.Split(images.astype("uint8"), labels)


def test_a_row_for_each_seed_and_share(monkeypatch):
    monkeypatch.setattr(compensation, "SHARES", (0.5,))
    splits = mnist.Splits(digits(256, 0), None, digits(64, 1))
    text = compensation.run(None, (3,), {"lenet_5": 1}, splits)
    *_, row = (x for x in text.split("\n") if x.startswith("| lenet"))
    net, seed, share, *numbers = (x.strip() for x in row.split("|")[1:-1])
    assert (net, seed, share) == ("lenet_5", "3", "50%")
    assert len(numbers) == 3 and all(0 <= float(x) <= 100 for x in numbers)
