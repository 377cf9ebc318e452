"""Schedules: when masks are decided, and how sparse a model is by then."""

from tfprune.core.sparsity_schedules import Constant as Constant
from tfprune.core.sparsity_schedules import Polynomial as Polynomial
from tfprune.core.update_schedules import Every as Every
from tfprune.core.update_schedules import Probabilistic as Probabilistic
from tfprune.core.update_schedules import Staged as Staged

__all__ = ["Constant", "Every", "Polynomial", "Probabilistic", "Staged"]
