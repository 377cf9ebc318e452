"""Acceptance: what factorising a layer must save for it to be done."""

from __future__ import annotations

import typing

from tfprune.compress.low_rank import candidates
from tfprune.graph import cost
from tfprune.graph import model_graph
from tfprune.profiling import timer


class Trial(typing.NamedTuple):
    """How layers are timed.

    Args:
        batch_size: Integer, examples in a call.
        rounds: Integer, how often each is timed.
    """

    batch_size: int
    rounds: int


class Saving(typing.NamedTuple):
    """Whether a layer is factorised, and why.

    Args:
        pays: Bool.
        why: String, where it does not.
        dense_ms: Float, milliseconds of a call, or None: not measured.
        split_ms: Float, milliseconds, or None: not measured.
    """

    pays: bool
    why: str = ""
    dense_ms: float | None = None
    split_ms: float | None = None


def by_macs(
    candidate: candidates.Candidate, layers: list, trial: Trial
) -> Saving:
    """Factorised where that takes fewer multiply-accumulates."""
    before = candidate.count(cost.macs)
    after = candidate.count_split(cost.macs, layers)
    return Saving(after < before, f"would take {after / before:.0%} of MACs")


def by_time(
    candidate: candidates.Candidate, layers: list, trial: Trial
) -> Saving:
    """Factorised where that was measured to be faster, on this machine."""
    shape = input_shape(candidate, trial.batch_size)
    if None in shape:
        return Saving(False, "has a dynamic dimension")
    calls = {"dense": candidate.layer, "split": chained(layers)}
    times = timer.layers(calls, shape, trial.rounds)
    ratio = times["dense"] / times["split"]
    why = f"would be {ratio:.2f}x as fast"
    return Saving(ratio > 1, why, times["dense"], times["split"])


def always(
    candidate: candidates.Candidate, layers: list, trial: Trial
) -> Saving:
    """Factorised whatever it costs."""
    return Saving(True)


def input_shape(candidate: candidates.Candidate, batch_size: int) -> tuple:
    """The input shape of the first call of a layer."""
    calls = [x for x in candidate.calls or [] if x]
    shape = (calls or [model_graph.built_on(candidate.layer)])[0][0]
    return (batch_size, *shape[1:])


def chained(layers: list) -> typing.Callable:
    """A function that calls layers one after the other."""

    def call(x):
        for layer in layers:
            x = layer(x)
        return x

    return call


SAVINGS = {"macs": by_macs, "time": by_time, "always": always}
