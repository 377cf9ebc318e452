"""What the force costs in a training step of ResNet-50."""

from __future__ import annotations

import os

import keras
import numpy as np
import tensorflow as tf

from benchmarks.harness import interleave
from benchmarks.harness import report
from tfprune import optimizers

_ALL = {"conv.*": 1.0}
VARIANTS = {
    interleave.BASELINE: None,
    "degradation": {"force_type": "degradation"},
    "constant": {"force_type": "constant"},
    "degradation, 1x1 too": {"force_type": "degradation", "force_mult": _ALL},
    "constant, 1x1 too": {"force_type": "constant", "force_mult": _ALL},
}
_HEADER = ("force", "lower quartile", "median", "upper quartile")


def main(flags) -> str:
    """Returns the results of a command line."""
    return run(flags.rounds, flags.batch)


def run(
    rounds: int, batch: int, side: int = 224, net=keras.applications.ResNet50
) -> str:
    """Measures steps with a force, as a ratio to those without.

    Args:
        rounds: Integer, of which every 20th is run: one takes a minute.
        batch: Integer, examples in a step.
        side: Integer, height and width of the images. Defaults to 224.
        net: Callable, as those of `keras.applications`. Defaults to ResNet50.

    Returns:
        The results as Markdown.
    """
    rounds = max(rounds // 20, 3)
    calls = {
        name: _call(net, arguments, batch, side)
        for name, arguments in VARIANTS.items()
    }
    times = interleave.measure(calls, rounds)
    rows = [
        (name, *(f"{x:.3f}" for x in interleave.quartiles(ratios)))
        for name, ratios in (
            (name, interleave.ratios(times, name))
            for name in VARIANTS
            if name != interleave.BASELINE
        )
    ]
    return (
        "A training step of ResNet-50 with a force, over one without: SGD "
        f"with momentum, batch {batch},\nimages of {side}x{side}, {rounds} "
        f"rounds in turn. TensorFlow {tf.__version__}, Keras "
        f"{keras.__version__}, {os.cpu_count()} CPUs.\nThe force acts on "
        "windows larger than 1, or on all convolutions.\n\n    python "
        f"scripts/benchmark.py force --batch={batch}\n\n"
        f"{report.table([_HEADER, *rows])}"
    )


def _call(net, arguments, batch, side):
    """Builds, compiles and warms up a model."""
    keras.utils.set_random_seed(0)
    model = net(weights=None, input_shape=(side, side, 3))
    optimizer = keras.optimizers.SGD(0.01, momentum=0.9)
    if arguments is not None:
        optimizer = optimizers.ForceRegularized(optimizer, **arguments)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    model.make_train_function()
    rng = np.random.default_rng(0)
    images = rng.normal(size=(batch, side, side, 3)).astype("float32")
    labels = rng.integers(0, model.output_shape[-1], batch)
    data = tf.data.Dataset.from_tensors((images, labels)).repeat()
    batches = iter(data)

    def call():
        float(model.train_function(batches)["loss"])

    for _ in range(2):
        call()
    return call
