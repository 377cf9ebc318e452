"""Searches for thresholds: nobody should have to choose them."""

from __future__ import annotations

from tfprune.search.cma_es import CMAES as CMAES
from tfprune.search.ncs import NCS as NCS
from tfprune.search.problem import Outcome as Outcome
from tfprune.search.problem import Problem as Problem
from tfprune.search.sampling import Sampling as Sampling
from tfprune.search.searcher import Searcher as Searcher
from tfprune.search.thresholds import pruned_accuracy as pruned_accuracy
from tfprune.search.thresholds import set_thresholds as set_thresholds
from tfprune.utils import validation as _validation

__all__ = [
    "CMAES",
    "NCS",
    "Outcome",
    "Problem",
    "SEARCHERS",
    "Sampling",
    "Searcher",
    "build",
    "pruned_accuracy",
    "set_thresholds",
]

SEARCHERS = {"ncs": NCS, "sampling": Sampling, "cma": CMAES}


def build(name: str, *args, **kwargs) -> Searcher:
    """The `Searcher` of that name; arguments are those of its class.

    Raises:
        ValueError: for an unknown name, with the nearest one.
    """
    if name not in SEARCHERS:
        raise ValueError(_validation.unknown("acceptance", name, SEARCHERS))
    return SEARCHERS[name](*args, **kwargs)
