"""PrunerView: what shows a pruner its units in another form."""

from __future__ import annotations


class PrunerView:
    """Has the interface of a `Pruner` and lets another one decide.

    A subclass gives the other one arrays in a form of its own, and takes them
    back.

    Args:
        pruner: `Pruner`, the other one.
    """

    def __init__(self, pruner):
        self._pruner = pruner

    @property
    def gradient(self):
        return self._pruner.gradient

    @property
    def needs_update_hooks(self):
        return self._pruner.needs_update_hooks

    def due(self, step, settings):
        return self._pruner.due(step, settings)

    def limits(self, state, due, step, settings):
        return None  # They would be of the other form.
