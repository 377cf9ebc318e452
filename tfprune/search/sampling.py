"""Sampling: what the released code of OLMP does under the name of search.

Its test of a child asks for a negative value, which shares of what is kept
never have. So no child is ever accepted: all candidates are drawn around the
incumbent, and step sizes fall by 1 % every `population` generations.
"""

from __future__ import annotations

import numpy as np

from tfprune.search import searcher

_SHRINK = 0.99
_MARGIN = 1e-4


class Sampling(searcher.Searcher):
    """Gaussian samples around the start, of which the best is kept.

    What is out of bounds is put just inside of them. Arguments are those of
    `Searcher`.

    Reference:
        Li et al. Optimization based Layer-wise Magnitude-based Pruning for
        DNN Compression. IJCAI 2018; the code, as released.
    """

    def propose(self):
        generation = len(self.told)
        sigma = self.sigma * _SHRINK ** ((generation - 1) // self.population)
        drawn = self._centres + sigma * self.random.standard_normal(
            self._centres.shape
        )
        drawn = np.where(drawn < self.lower, self.lower + _MARGIN, drawn)
        return np.where(drawn > self.upper, self.upper - _MARGIN, drawn)

    def learn(self, candidates, values):
        if len(self.told) == 1:
            self._centres = candidates
