"""Allocation: how much of each unit, from the scores of all units.

An allocation maps the group scores of all units, the sparsity wanted from
each, `(units,)`, and their sizes to one budget per unit: the number of groups
kept.
Where the sparsity of the net is shared out by size or by rank, the units
have no sparsity of their own to set, and `of_unit(sparsity, settings)` is None.
"""

from __future__ import annotations

import math
import typing

import numpy as np
from keras import ops

from tfprune.core import selection
from tfprune.utils import serialization
from tfprune.utils import validation


@serialization.serializable
class Uniform(serialization.Serializable):
    """The same sparsity in every unit, or the one its settings give."""

    settings = {"target_sparsity": math.nan}

    def __call__(self, scores, sparsities, shapes):
        sizes = np.array([score.shape[0] for score in scores])
        return ops.unstack(_kept(sizes, sparsities))

    def of_unit(self, sparsity: float, settings) -> float | None:
        """The sparsity of a unit where this one is wanted, or None."""
        own = settings.get("target_sparsity", math.nan)
        return sparsity if math.isnan(own) else own


@serialization.serializable
class ErdosRenyiKernel(serialization.Serializable):
    """Larger layers are pruned more: density ~ sum(shape) / prod(shape).

    Layers whose density would exceed 1 are not pruned and the others take
    their share, so that the sparsity of the net is the one that was asked for.

    Reference:
        Evci et al. Rigging the Lottery. ICML 2020.
    """

    settings: typing.ClassVar[dict[str, float]] = {}

    def __call__(self, scores, sparsities, shapes):
        sizes = np.array([score.shape[0] for score in scores], "float64")
        rates = np.array([_rate(unit) for unit in shapes])
        densities = _densities(sizes, rates, 1.0 - sparsities[0])
        return ops.unstack(_kept(sizes, 1.0 - densities))

    def of_unit(self, sparsity: float, settings) -> float | None:
        """The sparsity of a unit where this one is wanted, or None."""
        return None


@serialization.serializable
class Global(serialization.Serializable):
    """All groups of the net compete; a unit keeps its share of the best.

    Args:
        least: Integer >= 1, groups of each unit that stay whatever their
            rank, so that no layer disconnects. Defaults to 1.
        normalize: Bool: scores are divided by the L2 norm of those of their
            unit. Defaults to False.
    """

    least: int = 1
    normalize: bool = False

    settings: typing.ClassVar[dict[str, float]] = {}

    def __post_init__(self):
        validation.check_count("least", self.least, least=1)

    def __call__(self, scores, sparsities, shapes):
        if self.normalize:
            scores = list(map(_normalized, scores))
        together = ops.concatenate(scores, axis=0)
        kept = selection.top_k(
            together, _kept(together.shape[0], sparsities[0])
        )
        budgets, begin = [], 0
        for score in scores:
            end = begin + score.shape[0]
            mine = ops.sum(ops.cast(kept[begin:end], "int32"))
            budgets.append(ops.maximum(mine, min(self.least, end - begin)))
            begin = end
        return budgets

    def of_unit(self, sparsity: float, settings) -> float | None:
        """The sparsity of a unit where this one is wanted, or None."""
        return None


@serialization.serializable
class Pattern(serialization.Serializable):
    """The budget of one n:m block: from m kept, down to n.

    Args:
        n: Integer, kept in the end.
        m: Integer, length of a block.
    """

    n: int = 2
    m: int = 4

    settings: typing.ClassVar[dict[str, float]] = {}

    def __call__(self, scores, sparsities, shapes):
        # The slack absorbs what float32 loses in 1 - n / m.
        pruned = ops.floor(self.m * sparsities[0] + 1e-3)
        kept = ops.maximum(self.m - ops.cast(pruned, "int32"), self.n)
        return [kept] * len(scores)

    def of_unit(self, sparsity: float, settings) -> float | None:
        """The sparsity of a unit where this one is wanted, or None."""
        pruned = math.floor(self.m * sparsity + 1e-3)
        return min(pruned, self.m - self.n) / self.m


@serialization.serializable
class Explicit(serialization.Serializable):
    """Thresholds that a pruner computes by itself, from its settings."""

    settings: typing.ClassVar[dict[str, float]] = {}

    def __call__(self, scores, sparsities, shapes):
        raise NotImplementedError(
            "`allocation=Explicit()` needs a Pruner that overrides `budgets`."
        )

    def of_unit(self, sparsity: float, settings) -> float | None:
        """The sparsity of a unit where this one is wanted, or None."""
        return None


def _normalized(scores):
    return ops.divide_no_nan(scores, ops.sqrt(ops.sum(ops.square(scores))))


def _kept(size, sparsity):
    """Groups to keep out of `size`: rounded, and never none."""
    size = ops.cast(size, "float32")
    kept = ops.round(size * (1.0 - ops.cast(sparsity, "float32")))
    return ops.cast(ops.maximum(kept, ops.minimum(size, 1.0)), "int32")


def _rate(shapes) -> float:
    """The Erdos-Renyi-Kernel density of a unit, up to a common factor."""
    kernel = max(shapes, key=math.prod)
    return sum(kernel) / math.prod(kernel)


def _densities(sizes, rates, density):
    """Shares out `density`: epsilon * rate, or 1 where that is over 1.

    The units that are not pruned are those of the highest rates, so there are
    only as many cases as units; the first consistent one is the answer, and
    the last one if rounding leaves none.
    """
    order = np.argsort(-rates)
    size, rate = sizes[order], rates[order]
    dense = np.concatenate([[0.0], np.cumsum(size)[:-1]])
    rest = np.cumsum((size * rate)[::-1])[::-1]
    wanted = ops.cast(density, "float32") * float(size.sum())
    epsilon = (wanted - dense.astype("float32")) / rest.astype("float32")
    last = np.arange(rate.size) == rate.size - 1
    fits = ops.logical_or(epsilon * rate.astype("float32") <= 1.0, last)
    epsilon = epsilon[ops.argmax(ops.cast(fits, "int32"))]
    return ops.minimum(epsilon * rates.astype("float32"), 1.0)
