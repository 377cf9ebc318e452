"""Times layers and models in turn, on this machine."""

from __future__ import annotations

import functools
import time

import keras
import numpy as np

from tfprune import backend
from tfprune.graph import examples

_REPEATS = 4


def layers(candidates: dict, shape, rounds: int) -> dict:
    """Measures the milliseconds that layers take, without those of a call.

    Args:
        candidates: Dict, name to a callable on one tensor.
        shape: Tuple, the shape of the input, batch included.
        rounds: Integer, how often each is timed, in turn.
    """
    x = sample(shape)
    # Their calls cost more than many layers do, so there is one for several
    # runs, and the time of one that does nothing is taken off.
    calls = {
        name: backend.repeated(candidate, x, _REPEATS)
        for name, candidate in {"": lambda x: x, **candidates}.items()
    }
    times = least(calls, rounds)
    return {
        name: max(times[name] - times[""], 1e-6) / _REPEATS
        for name in candidates
    }


def models(
    candidates: dict, batch_size: int, rounds: int, shapes: list | None = None
) -> dict[str, float]:
    """Measures the milliseconds that calls of models take.

    Args:
        candidates: Dict, name to a Keras model; all have equal inputs.
        batch_size: Integer.
        rounds: Integer, how often each is timed, in turn.
        shapes: List of tuples, of inputs without batch. Defaults to None: as
            `examples.random` makes them.
    """
    calls = {
        name: _call(
            backend.compiled(functools.partial(examples.call, model)),
            examples.random(model, batch_size, shapes=shapes),
        )
        for name, model in candidates.items()
    }
    # A model by itself finds its weights in the caches, not those of another.
    return least(calls, rounds, warm=1)


def sample(shape):
    """Random numbers."""
    return np.random.default_rng(0).uniform(0, 2, shape).astype("float32")


def _call(function, inputs):
    inputs = [keras.ops.convert_to_tensor(x) for x in inputs]

    def call():
        for output in keras.tree.flatten(function(*inputs)):
            keras.ops.convert_to_numpy(output)

    return call


def least(calls: dict, rounds: int, warm: int = 0) -> dict[str, float]:
    """Measures the milliseconds of calls: the least of all rounds.

    What else runs on the machine adds to all others.

    Args:
        calls: Dict, name to a function without arguments.
        rounds: Integer, how often each is timed, in turn.
        warm: Integer, how many calls go before each that is timed. Defaults
            to 0.
    """
    for call in calls.values():
        call()
    found = dict.fromkeys(calls, float("inf"))
    for _ in range(rounds):
        for name, call in calls.items():
            for _ in range(warm):
                call()
            begin = time.perf_counter()
            call()
            taken = 1e3 * (time.perf_counter() - begin)
            found[name] = min(found[name], taken)
    return found
