"""Negatively Correlated Search: climbers that keep away from each other.

Each of N climbers x_i has a step size sigma_i of its own. A generation is

    u_i  = x_i + sigma_i * normal, reflected at the bounds
    nf_i = (f(u_i) - f*) / (f(x_i) - f* + f(u_i) - f*)       f*: best so far
    nc_i = Corr(u_i) / (Corr(x_i) + Corr(u_i))
    u_i replaces x_i where lambda_i * nc_i > nf_i,
        lambda_i = 1 + lambda0 * (1 - generation / generations) * normal

with Corr the least Bhattacharyya distance to another climber: a child lives
if it is good, or far from where the others look. Every `population`
generations, a climber that was replaced in more than a fifth of them takes
longer steps, and one that was in less takes shorter ones.
"""

from __future__ import annotations

import numpy as np

from tfprune.search import searcher

_SHRINK = 0.99
_TARGET_RATE = 0.2
_LAMBDA = 0.1


class NCS(searcher.Searcher):
    """Negatively Correlated Search, in continuous space (NCS-C).

    Arguments are those of `Searcher`.

    Reference:
        Tang, Yang, Yao. Negatively Correlated Search. IEEE Journal on
        Selected Areas in Communications, 2016.
    """

    def propose(self):
        noise = self.random.standard_normal(self._x.shape)
        return reflect(self._x + self._sigmas * noise, self.lower, self.upper)

    def learn(self, candidates, values):
        if len(self.told) == 1:
            self._x, self._values = candidates, values
            self._sigmas = np.tile(self.sigma, (self.population, 1))
            self._replaced = np.zeros(self.population, int)
            return
        accepted = self._accept(candidates, values)
        self._x = np.where(accepted[:, None], candidates, self._x)
        self._values = np.where(accepted, values, self._values)
        self._replaced += accepted
        if (len(self.told) - 1) % self.population == 0:
            self._adapt()

    def _accept(self, candidates, values):
        noise = self.random.standard_normal(self.population)
        weight = 1.0 + self._spread() * noise
        old, new = self._values - self.best_value, values - self.best_value
        near, far = self._correlation(self._x), self._correlation(candidates)
        return weight * _share(far, near) > _share(new, old)

    def _spread(self):
        """Falls from `_LAMBDA` in the first generation to 0 in the end."""
        generations = max(self.evaluations / self.population, 1.0)
        passed = len(self.told) - 2
        return _LAMBDA * max(1.0 - passed / generations, 0.0)

    def _correlation(self, means):
        """The least distance of each climber, at `means`, to another."""
        apart = bhattacharyya(
            means[:, None], self._x[None], self._sigmas[:, None], self._sigmas
        )
        np.fill_diagonal(apart, np.inf)
        return apart.min(axis=1)

    def _adapt(self):
        """The 1/5 success rule."""
        rate = (self._replaced / self.population)[:, None]
        self._sigmas[:] = np.select(
            [rate > _TARGET_RATE, rate < _TARGET_RATE],
            [self._sigmas / _SHRINK, self._sigmas * _SHRINK],
            self._sigmas,
        )
        self._replaced[:] = 0


def bhattacharyya(mean, other_mean, sigma, other_sigma):
    """The distance of Gaussians with diagonal covariance.

    `1/8 sum (p - q)^2 / s + 1/2 sum (ln s - (ln a^2 + ln b^2) / 2)` with
    `s = (a^2 + b^2) / 2`; arrays `(..., d)`, which are broadcast.
    """
    s = (sigma**2 + other_sigma**2) / 2
    shape = np.log(s) - np.log(sigma) - np.log(other_sigma)
    return ((mean - other_mean) ** 2 / s / 8 + shape / 2).sum(axis=-1)


def reflect(candidates, lower, upper):
    """Mirrors at the bounds; what then is out on the other side ends there."""
    below = np.where(candidates < lower, 2 * lower - candidates, candidates)
    inside = np.where(below > upper, 2 * upper - below, below)
    return np.clip(inside, lower, upper)


def _share(part, rest):
    """The share part / (part + rest); one half where both are 0."""
    whole = part + rest
    return np.divide(part, whole, np.full(whole.shape, 0.5), where=whole > 0)
