"""Optimizers around optimizers."""

from tfprune.optimizers.force_regularized import (
    ForceRegularized as ForceRegularized,
)
from tfprune.optimizers.one_shot import decide as decide
from tfprune.optimizers.pruning_optimizer import (
    PruningOptimizer as PruningOptimizer,
)

__all__ = [
    "ForceRegularized",
    "PruningOptimizer",
    "decide",
]
