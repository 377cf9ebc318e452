"""What masks move in a training step of ResNet-50, beside a whole step."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from benchmarks.cases import training_nets
from benchmarks.harness import interleave
from benchmarks.harness import report
from benchmarks.suites import training
from tfprune import backend
from tfprune.ops import masking

_NET = "resnet_50"
_LOWER, _UPPER = 0.027, 0.033
_HEADER = ("what", "least / least step", "median / median step")


def main(flags) -> str:
    """Returns the results of a command line."""
    return run(flags.rounds)


def run(rounds: int, weights: list | None = None, step=None) -> str:
    """Times the parts of pruning in place on all kernels of a net.

    Args:
        rounds: Integer.
        weights: List of arrays, or None (default): the kernels of ResNet-50.
        step: Callable, one training step, or None (default): of plain Keras.

    Returns:
        The results as Markdown.
    """
    (setup,) = (x for x in training.SETUPS if x.net == _NET)
    if weights is None:
        model = training_nets.build(_NET)
        weights = [np.array(x) for x in model.weights if len(x.shape) > 1]
    calls = _parts(weights)
    count = 1 if step else setup.steps_per_execution
    calls[interleave.BASELINE] = step or training.calls(setup)["plain"]
    times = interleave.measure(calls, rounds)
    step_times = [x / count for x in times.pop(interleave.BASELINE)]
    rows = [
        (
            name,
            f"{min(own) / min(step_times):.1%}",
            f"{np.median(own) / np.median(step_times):.1%}",
        )
        for name, own in times.items()
    ]
    size = sum(array.size for array in weights) / 1e6
    return (
        f"What pruning in place does to {size:.1f}M weights, in shares of a "
        f"training step of plain Keras;\n{rounds} rounds in turn. TensorFlow "
        f"{tf.__version__}.\n\n{report.table([_HEADER, *rows])}"
    )


def _parts(weights):
    """Name to a function that does one part to all weights."""
    random = np.random.default_rng(0)
    values, hidden = ([keras.Variable(x) for x in weights] for _ in range(2))
    masks = [tf.Variable(random.random(x.shape) < 0.5) for x in weights]
    left = [masking.Left() for _ in weights]
    each = list(zip(values, hidden, masks, left, strict=True))

    def copy():
        for value, other, _, _ in each:
            other.assign(backend.read(value) + 1.0)

    def mask():
        for value, other, kept, _ in each:
            learned = backend.read(value)
            value.assign(masking.select(learned, kept.read_value()))
            other.assign(learned)

    def select():
        for value, other, kept, _ in each:
            shown, below = backend.read(value), backend.read(other)
            value.assign(masking.where(kept, shown, below))

    def reveal():
        for value, other, kept, seen in each:
            shown = backend.read(value)
            value.assign(seen.reveal(kept, shown, other))

    def decide():
        for value, other, kept, seen in each:
            learned = backend.read(value)
            mask, shown = masking.shown_hysteresis(
                learned, kept, _LOWER, _UPPER
            )
            kept.assign(mask)
            value.assign(shown)
            other.assign(learned)
            seen.hold(shown, learned)

    def surgery():
        reveal()
        decide()

    parts = {
        "a copy, the floor": copy,
        "masking": mask,
        "what is hidden comes back where somebody wrote": select,
        "deciding and masking": decide,
        "surgery: what is hidden comes back, nobody wrote, then both": surgery,
    }
    made = {
        name: tf.function(part, autograph=False) for name, part in parts.items()
    }
    for part in made.values():
        part()
    return made
