"""SavedState: how what pruning knows gets into files, and out of them."""

from __future__ import annotations

import warnings

import numpy as np

from tfprune import backend
from tfprune.core import pruning_state

_NO_MASKS = (
    "the file has weights, but no masks: those of the model stay, and the "
    "weights from the file are masked by them"
)


class SavedState(backend.Saveable):
    """A view of a `PruningState`, found by all that saves what holds it.

    What is loaded before there is a state is kept for it.
    """

    def __init__(self):
        super().__init__(name="saved_state")
        self.state: pruning_state.PruningState | None = None
        self._pending: dict | None = None
        # Whether a file that does not have it is one of a model not pruned.
        self.is_expected = True

    def bind(self, state: pruning_state.PruningState) -> None:
        """Shows a state, and gives it what was loaded before."""
        self.state = state
        self.track(state.variables)
        if self._pending is not None:
            pending, self._pending = self._pending, None
            state.read(pending)

    def save_own_variables(self, store):
        if self.state is not None:
            self.state.write(store)

    def load_own_variables(self, store):
        values = {key: np.array(store[key]) for key in store.keys()}
        if values:
            self._take(values)
        elif self.state is not None and self.is_expected:
            self._take_values()

    def _take(self, values):
        if self.state is None:
            self._pending = values
        else:
            self.state.read(values)

    def _take_values(self):
        self.state.take_values()
        if self.state.is_pruned:
            warnings.warn(_NO_MASKS, stacklevel=2)
