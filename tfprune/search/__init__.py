"""Searches for thresholds: nobody should have to choose them."""

from __future__ import annotations

from tfprune.core import errors as _errors
from tfprune.search.cma_es import CMAES as CMAES
from tfprune.search.filter_budget import plan_filters as plan_filters
from tfprune.search.ncs import NCS as NCS
from tfprune.search.problem import Outcome as Outcome
from tfprune.search.problem import Problem as Problem
from tfprune.search.rank_budget import choose_ranks as choose_ranks
from tfprune.search.rank_sensitivity import RankSensitivity as RankSensitivity
from tfprune.search.rank_sensitivity import (
    measure_rank_sensitivity as measure_rank_sensitivity,
)
from tfprune.search.sampling import Sampling as Sampling
from tfprune.search.searcher import Searcher as Searcher
from tfprune.search.sensitivity import Sensitivity as Sensitivity
from tfprune.search.sensitivity import (
    measure_sensitivity as measure_sensitivity,
)

SEARCHERS = {"ncs": NCS, "sampling": Sampling, "cma": CMAES}


def searcher(name: str, *args, **kwargs) -> Searcher:
    """Returns the `Searcher` of that name; arguments are those of its class.

    Raises:
        ValueError: for an unknown name, with the nearest one.
    """
    if name not in SEARCHERS:
        raise ValueError(_errors.unknown("acceptance", name, SEARCHERS))
    return SEARCHERS[name](*args, **kwargs)
