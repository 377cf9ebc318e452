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
import typing

import keras
import tensorflow as tf

from benchmarks.cases import training_nets
from benchmarks.engines import client
from benchmarks.harness import interleave
from benchmarks.suites import training_table as table
from tfprune import api
from tfprune import methods
from tfprune import optimizers
from tfprune.utils import validation

FREQUENCY = 100
NEVER_AGAIN = 10**9
WARMUP = 3
_EVERY = tuple(table.NAMES)
# Whole cycles of a large net would take an hour.
_BUT_AVERAGED = tuple(name for name in _EVERY if name != table.AVERAGED)
TFMOT = "benchmarks.engines.tfmot_training"
NETS_OF_TFMOT = ("lenet_300_100", "lenet_5")


@dataclasses.dataclass(frozen=True)
class Setup:
    """How a net is compiled and fed, in all of its variants.

    Args:
        net: String, name of `training_nets.build`.
        jit_compile: Bool.
        steps_per_execution: Integer, steps of a round; divides `FREQUENCY`.
        batch_size: Integer.
        share: Integer, of so many rounds one is run.
        variants: Tuple of the names of variants that are measured.
    """

    net: str
    jit_compile: bool
    steps_per_execution: int = 10
    batch_size: int = 64
    share: int = 1
    variants: tuple[str, ...] = _EVERY

    @property
    def cycle(self) -> int:
        """Rounds from one update of the masks to the next."""
        return FREQUENCY // self.steps_per_execution

    def rounds(self, asked: int) -> int:
        """The rounds that are run where so many were asked for."""
        least = 2 * self.cycle if table.AVERAGED in self.variants else 1
        return max(asked // self.share, least)


class Variant(typing.NamedTuple):
    """How a net is pruned.

    Args:
        method: `tfprune.methods.Method`.
        wrap: Bool, as `tfprune.prune` takes it. Defaults to False: in place.
    """

    method: methods.Method
    wrap: bool = False


# As the configs of the LeNets have it: XLA is slower at convolutions on CPUs.
SETUPS = (
    Setup("lenet_300_100", jit_compile=True),
    Setup("lenet_5", jit_compile=False),
    Setup("resnet_50", False, 2, 8, share=8, variants=_BUT_AVERAGED),
    Setup("transformer", False, 2, 16, share=8, variants=_BUT_AVERAGED),
)
_BETWEEN = methods.Magnitude(0.5, begin_step=1, frequency=NEVER_AGAIN)
_SURGERY = methods.Surgery(c=0.0)
VARIANTS: dict[str, Variant | None] = {
    table.PLAIN: None,
    table.NOISE: None,
    table.BETWEEN: Variant(_BETWEEN),
    table.BETWEEN_WRAPPED: Variant(_BETWEEN, wrap=True),
    table.AVERAGED: Variant(methods.Magnitude(0.5, frequency=FREQUENCY)),
    table.SURGERY: Variant(_SURGERY),
    table.SURGERY_WRAPPED: Variant(_SURGERY, wrap=True),
}


def main(flags) -> str:
    """Returns the results of a command line."""
    return run(flags.rounds, flags.tfmot, flags.nets)


def run(
    rounds: int,
    tfmot: str | None = None,
    nets: tuple[str, ...] = tuple(setup.net for setup in SETUPS),
) -> str:
    """Measures some nets.

    Args:
        rounds: Integer; large nets run fewer.
        tfmot: Path of a Python that can import tfmot, which is measured
            beside. Defaults to None: it is not.
        nets: Strings, of `SETUPS`. Defaults to all.

    Returns:
        The results as Markdown.

    Raises:
        ValueError: for an unknown net.
    """
    setups = {setup.net: setup for setup in SETUPS}
    for net in nets:
        validation.check(
            "nets", net, net in setups, f"among {', '.join(setups)}"
        )
    rows = []
    for setup in map(setups.get, nets):
        own = setup.rounds(rounds)
        # tfmot first: a wrong path should not fail after minutes.
        beside = tfmot and setup.net in NETS_OF_TFMOT
        theirs = measure_tfmot(tfmot, setup, own) if beside else {}
        times = interleave.measure(calls(setup), own)
        rows += table.rows(setup, times, "tfprune")
        rows += table.rows(setup, theirs, "tfmot")
    return f"{_heading()}\n\n{table.markdown(rows)}"


def calls(setup: Setup) -> dict:
    """Returns variant to a function that trains it for one round."""
    names = [table.PLAIN, *setup.variants]
    return {name: _call(setup, VARIANTS[name]) for name in names}


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
        "Training time beside plain Keras: SGD with momentum. A "
        "round is one call of\n`train_function`, `steps_per_execution` steps; "
        "the variants of a library take turns in one process.\nfrequency=100 "
        "is averaged: sums over whole cycles of 100 steps, one update in each."
        f"\nTensorFlow {tf.__version__}, Keras {keras.__version__}, "
        f"{os.cpu_count()} CPUs; tfmot 0.8.1 on TensorFlow and tf_keras of its "
        "own environment."
    )


def _call(setup, variant):
    """Builds, compiles and warms up a model; all start from equal weights."""
    model = training_nets.build(setup.net)
    optimizer = keras.optimizers.SGD(0.01, momentum=0.9)
    if variant is not None:
        model = api.prune(model, variant.method, wrap=variant.wrap)
        optimizer = optimizers.PruningOptimizer(optimizer)
    model.compile(
        optimizer,
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=setup.jit_compile,
        steps_per_execution=setup.steps_per_execution,
    )
    model.make_train_function()
    batches = _batches(model, setup.batch_size)

    def call():
        float(model.train_function(batches)["loss"])

    for _ in range(WARMUP):
        call()
    return call


def _batches(model, size):
    """Random examples and labels, over and over again."""
    data = training_nets.batches(model, 16, size)
    return iter(tf.data.Dataset.from_tensor_slices(data).repeat())
