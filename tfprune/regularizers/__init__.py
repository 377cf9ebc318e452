"""Regularizers: as Keras has them, and as proximal steps."""

from tfprune.regularizers.group_lasso import GroupLasso as GroupLasso

__all__ = [
    "GroupLasso",
]
