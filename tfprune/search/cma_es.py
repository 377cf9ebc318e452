"""CMA-ES, of the package `cma`, behind the interface of the other searches."""

from __future__ import annotations

import importlib

import numpy as np

from tfprune.search import searcher


class CMAES(searcher.Searcher):
    """Covariance Matrix Adaptation, starting at the best of its population.

    Where it has converged, it starts again from the best so far. Arguments
    are those of `Searcher`.

    Raises:
        ImportError: without the package `cma`.

    Reference:
        Hansen, Ostermeier. Completely Derandomized Self-Adaptation in
        Evolution Strategies. Evolutionary Computation, 2001.
    """

    def __init__(self, *args, **kwargs):
        self._cma = _import()
        super().__init__(*args, **kwargs)

    def propose(self):
        return np.array(self._strategy.ask())

    def learn(self, candidates, values):
        if len(self.told) == 1:
            self._strategy = self._begin()
            return
        self._strategy.tell(list(candidates), values.tolist())
        if self._strategy.stop():
            self._strategy = self._begin()

    def _begin(self):
        options = {
            "bounds": [self.lower.tolist(), self.upper.tolist()],
            "CMA_stds": self.sigma.tolist(),
            "popsize": self.population,
            "verbose": -9,
            # The package would seed, and draw from, NumPy's global numbers.
            "seed": np.nan,
            "randn": lambda *shape: self.random.standard_normal(shape),
        }
        return self._cma.CMAEvolutionStrategy(self.best.tolist(), 1.0, options)


def _import():
    try:
        return importlib.import_module("cma")
    except ImportError as error:
        raise ImportError(
            "CMA-ES needs the package cma: pip install 'tfprune[search]'"
        ) from error
