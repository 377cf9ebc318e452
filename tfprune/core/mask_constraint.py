"""A constraint that keeps masks where nothing else does.

Every Keras optimizer applies the constraints of variables after its step. So
a plain one on a model that is pruned in place keeps what is masked at zero,
and says that it decides nothing.
"""

from __future__ import annotations

import contextlib
import warnings

from tfprune.core import masks

_PLAIN = (
    "the model is pruned, and a plain optimizer trains it: its masks stay as "
    "they are, and no more is pruned. Compile it with "
    "tfprune.PruningOptimizer(...) around the optimizer, or call "
    "tfprune.strip first"
)


class MaskConstraint:
    """The constraint of a variable, and its mask behind it.

    Args:
        target: `InPlaceTarget`.
        own: Callable, the constraint that the variable had, or None.
    """

    def __init__(self, target, own):
        self._target, self.own = target, own

    def __call__(self, value):
        owner = self._target.unit.owner
        if not self._target.unit.frozen and not getattr(owner, "warned", False):
            owner.warned = True
            warnings.warn(_PLAIN, stacklevel=2)
        value = value if self.own is None else self.own(value)
        return masks.select(value, self._target.mask)


def guard(target) -> None:
    """Puts the constraint on the variable of a target."""
    release(target)
    own = target.variable.constraint
    target.variable.constraint = MaskConstraint(target, own)


def release(target) -> None:
    """Gives a variable its own constraint back."""
    constraint = target.variable.constraint
    if isinstance(constraint, MaskConstraint):
        target.variable.constraint = constraint.own


@contextlib.contextmanager
def released(targets: list):
    """A scope in which variables have their own constraints.

    Replicas are in it at the same time, and leave one by one.
    """
    for target in targets:
        if not target.releases:
            release(target)
        target.releases += 1
    try:
        yield
    finally:
        for target in targets:
            target.releases -= 1
            if not target.releases:
                guard(target)
