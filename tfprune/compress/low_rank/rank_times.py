"""Rank times: what a layer's rank saves of a call, measured at a few ranks."""

from __future__ import annotations

import typing

import numpy as np

from tfprune.compress.low_rank import acceptance
from tfprune.compress.low_rank import candidates
from tfprune.profiling import timer

_SHARES = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
_BATCH = 1


def saved(candidate: candidates.Candidate, rounds: int = 30) -> typing.Callable:
    """Measures a layer whole, and as two of some ranks, in turn.

    Args:
        candidate: `Candidate`.
        rounds: Integer, how often each is timed. Defaults to 30.

    Returns:
        Callable, a rank to the milliseconds that it saves of a call of the
        net with one example. It is read off between the ranks measured; a
        lower rank never takes longer. Of a layer that takes images of any
        size it is 0.
    """
    shape = acceptance.input_shape(candidate, _BATCH)
    if None in shape:
        return lambda rank: 0.0
    full = candidate.full_rank
    ranks = sorted({max(round(share * full), 1) for share in _SHARES})
    split = {r: acceptance.chained(candidate.split(r)) for r in ranks}
    times = timer.layers({0: candidate.layer, **split}, shape, rounds)
    longest = np.maximum.accumulate([times[rank] for rank in ranks])
    uses = len(candidate.calls or [None])
    return lambda rank: uses * (times[0] - np.interp(rank, ranks, longest))
