"""The overhead of pruning on training: a step beside one of plain Keras.

A round is one call of each model's `train_function`, which is what `fit`
calls, with nothing around it that would hide a cost: the batches are ready,
there are no metrics and no callbacks.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess

import keras
import numpy as np
import tensorflow as tf

from benchmarks.engines import client
from benchmarks.harness import interleave
from benchmarks.suites import training_table as table
from tfprune import api
from tfprune import applications
from tfprune import methods
from tfprune import optimizers

FREQUENCY = 100
NEVER_AGAIN = 10**9
WARMUP = 3
TFMOT = "benchmarks.engines.tfmot_training"


@dataclasses.dataclass(frozen=True)
class Setup:
    """How a net is compiled and fed, in all of its variants.

    Args:
        net: String, key of `tfprune.applications.MODELS`.
        jit_compile: Bool.
        steps_per_execution: Integer, steps of a round; divides `FREQUENCY`.
        batch_size: Integer.
    """

    net: str
    jit_compile: bool
    steps_per_execution: int = 10
    batch_size: int = 64

    @property
    def cycle(self) -> int:
        """Rounds from one update of the masks to the next."""
        return FREQUENCY // self.steps_per_execution


# As the configs of both nets have it: XLA is slower at convolutions on CPUs.
SETUPS = (
    Setup("lenet_300_100", jit_compile=True),
    Setup("lenet_5", jit_compile=False),
)
VARIANTS = {
    table.PLAIN: None,
    table.NOISE: None,
    table.BETWEEN: methods.Magnitude(0.5, begin_step=1, frequency=NEVER_AGAIN),
    table.AVERAGED: methods.Magnitude(0.5, frequency=FREQUENCY),
    table.SURGERY: methods.Surgery(c=0.0),
}


def main(flags) -> str:
    """Returns the results of a command line."""
    return run(flags.rounds, flags.tfmot)


def run(rounds: int, tfmot: str | None = None) -> str:
    """Measures every net.

    Args:
        rounds: Integer, two cycles or more.
        tfmot: Path of a Python that can import tfmot, which is measured
            beside. Defaults to None: it is not.

    Returns:
        The results as Markdown.
    """
    rows = []
    for setup in SETUPS:
        # tfmot first: a wrong path should not fail after minutes.
        theirs = measure_tfmot(tfmot, setup, rounds) if tfmot else {}
        times = interleave.measure(calls(setup), rounds)
        rows += table.rows(setup, times, "tfprune")
        rows += table.rows(setup, theirs, "tfmot")
    return f"{_heading()}\n\n{table.markdown(rows)}"


def calls(setup: Setup) -> dict:
    """Returns variant to a function that trains it for one round."""
    return {name: _call(setup, method) for name, method in VARIANTS.items()}


def measure_tfmot(
    python: str, setup: Setup, rounds: int
) -> dict[str, list[float]]:
    """Runs the same with tfmot, in an environment of its own.

    It reads a JSON object, the fields of the setup and the rounds, and prints
    one, as `interleave.measure` returns it, as its last line.

    Args:
        python: Path of an interpreter that can import tfmot.
        setup: `Setup`.
        rounds: Integer.

    Returns:
        Dict, variant to one time for each round.

    Raises:
        ValueError: if that fails.
    """
    try:
        done = subprocess.run(
            [python, "-m", TFMOT],
            input=json.dumps({**dataclasses.asdict(setup), "rounds": rounds}),
            capture_output=True,
            text=True,
            check=True,
            # tfmot refuses the Keras that TensorFlow comes with.
            env=client.variables(TF_USE_LEGACY_KERAS="1"),
        )
    except (OSError, subprocess.CalledProcessError) as error:
        said = (getattr(error, "stderr", "") or "")[-2000:]
        raise ValueError(
            "`tfmot` must be a Python that can import tfmot. Received: "
            f"tfmot={python!r}, which failed: {error}\n{said}"
        ) from error
    return json.loads(done.stdout.splitlines()[-1])


def _heading():
    return (
        "Training time beside plain Keras: batch 64, SGD with momentum. A "
        "round is one call of\n`train_function`, `steps_per_execution` steps; "
        "the variants of a library take turns in one process.\nfrequency=100 "
        "is averaged: sums over whole cycles of 100 steps, one update in each."
        f"\nTensorFlow {tf.__version__}, Keras {keras.__version__}, "
        f"{os.cpu_count()} CPUs; tfmot 0.8.1 on TensorFlow and tf_keras of its "
        "own environment."
    )


def _call(setup, method):
    """Builds, compiles and warms up a model; all start from equal weights."""
    model = applications.build(setup.net, seed=0)
    optimizer = keras.optimizers.SGD(0.01, momentum=0.9)
    if method is not None:
        model = api.prune(model, method)
        optimizer = optimizers.PruningOptimizer(optimizer)
    model.compile(
        optimizer,
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=setup.jit_compile,
        steps_per_execution=setup.steps_per_execution,
    )
    model.make_train_function()
    batches = _batches(setup.batch_size)

    def call():
        float(model.train_function(batches)["loss"])

    for _ in range(WARMUP):
        call()
    return call


def _batches(size):
    """Random pixels and labels, over and over again."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (16, size, 28, 28, 1)).astype("float32")
    labels = rng.integers(0, 10, (16, size))
    data = tf.data.Dataset.from_tensor_slices((pixels, labels))
    return iter(data.repeat())
