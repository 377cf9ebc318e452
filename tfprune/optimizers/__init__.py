"""Optimizers around optimizers."""

from tfprune.optimizers.pruning_optimizer import (
    PruningOptimizer as PruningOptimizer,
)
