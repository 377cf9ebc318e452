"""Half of the filters gone at once, without and with fitting what is left."""

from __future__ import annotations

import keras
import numpy as np

from benchmarks.cases import photographs
from benchmarks.harness import report
from experiments.datasets import mnist
from tfprune import applications
from tfprune.compress.filters import zero

NETS = {"lenet_5": 4, "vgg_mnist": 4}  # Epochs of training.
SHARES = (0.5, 0.75)
EXPANSIONS = (0.1, 0.2, 0.3)
SEEDS = (0, 1, 2)
_EXAMPLES = 1000  # For the fit, of the training images.
CUTS = (10, 20, 30)  # Of each photograph.
_DIGITS = ("net", "seed", "filters gone", "dense", "by norm", "fitted")
_PHOTOGRAPHS = (
    *("expansion channels gone", "cuts for the fit", "by norm: agreement"),
    *("fitted: agreement", "of the 20 centres", "right of 20"),
)


def main(flags) -> str:
    """Returns the results of a command line."""
    return run(flags.packages)


def run(packages: str | None = None, seeds=SEEDS, nets=NETS, data=None) -> str:
    """Prunes trained nets at once, without and with fitting.

    Args:
        packages: Path of the folder that `photographs` reads, or None
            (default): MobileNetV2 is left out.
        seeds: Sequence of integers.
        nets: Dict, name of `tfprune.applications` to epochs of training.
        data: `mnist.Splits`, or None (default): all of it.

    Returns:
        The results as Markdown.
    """
    splits = data or mnist.load()
    rows = [
        row
        for net, epochs in nets.items()
        for seed in seeds
        for row in _digits(net, epochs, seed, splits)
    ]
    text = (
        "Test accuracy on MNIST, in %, with a share of each group of filters "
        "and units gone at once:\nthose of least norm, and those that "
        f"{_EXAMPLES} training images without labels choose, what reads them "
        "fitted\nto the dense net's outputs. Nothing is trained after that.\n\n"
        f"{report.table([_DIGITS, *rows])}"
    )
    if packages:
        text += f"\n\n{_mobilenet(packages)}"
    return text


def _digits(net, epochs, seed, splits):
    images, labels = splits.train
    keras.utils.set_random_seed(seed)
    model = applications.build(net, seed)
    steps = epochs * -(-len(images) // 128)
    rate = keras.optimizers.schedules.CosineDecay(0.02, steps)
    model.compile(
        keras.optimizers.SGD(rate, momentum=0.9, weight_decay=5e-4),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    model.fit(images.astype("float32"), labels, 128, epochs, verbose=0)
    some = images[:_EXAMPLES].astype("float32")
    dense = _accuracy(model, splits.test)
    for share in SHARES:
        plain = zero.zero_filters(model, share)
        fitted = zero.zero_filters(model, share, compensate=some)
        found = (_accuracy(x, splits.test) for x in (plain, fitted))
        numbers = (f"{100 * x:.2f}" for x in (dense, *found))
        yield net, str(seed), f"{share:.0%}", *numbers


def _accuracy(model, split):
    return float(np.mean(_top(model, split.images) == split.labels))


def _top(model, images):
    return np.argmax(model.predict(images, 500, verbose=0), axis=1)


def _mobilenet(packages):
    model = photographs.mobilenet_v2(packages)
    images, labels = photographs.labelled(packages)
    both = np.concatenate([images, images[:, :, ::-1]])
    dense = _top(model, both)
    names = [x.name for x in model.layers if x.name.endswith("expand")]
    rows = [_PHOTOGRAPHS]
    for share in EXPANSIONS:
        own = dict.fromkeys(names, share)
        plain = np.mean(_top(zero.zero_filters(model, own), both) == dense)
        for cuts in CUTS:
            some = photographs.unlabelled(packages, cuts)
            fitted = zero.zero_filters(model, own, compensate=some)
            found = _top(fitted, both)
            agreed = found == dense
            shares = plain, np.mean(agreed), np.mean(agreed[: len(images)])
            right = np.sum(found[: len(images)] == labels)
            rows.append(
                (
                    *(f"{share:.0%}", str(len(some))),
                    *(f"{x:.3f}" for x in shares),
                    str(right),
                )
            )
    return (
        "MobileNetV2 with torchvision's weights: how often its top class is "
        "that of the dense net, on the 20\nphotographs of foolbox and their "
        "mirror images; random cuts of 11 other photographs for the fit. The "
        f"dense\nnet is right on {np.sum(dense[: len(images)] == labels)} "
        f"of the 20.\n\n{report.table(rows)}"
    )
