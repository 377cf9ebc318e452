"""MaskedScope: a layer inside of it reads masked weights."""

from __future__ import annotations

import contextlib

import keras

from tfprune import backend
from tfprune.core import masks

_MASKED = {"masked": masks.apply, "dense": masks.straight_through}


class MaskedScope(keras.StatelessScope):
    """A scope in which targets are read as `where(mask, value, 0)`.

    Whatever is written inside is written at once, as without the scope:
    gradients and control flow are those of the bare layer. Of a target,
    only what its mask keeps is written.

    Args:
        targets: List of `Target`.
    """

    def __init__(self, targets):
        self._targets = {id(target.variable): target for target in targets}
        found = [(target.variable, _masked(target)) for target in targets]
        super().__init__(found, collect_losses=True)

    def get_current_value(self, variable):
        value = super().get_current_value(variable)
        if value is None and id(variable) in self._targets:
            with self._outside():
                return _masked(self._targets[id(variable)])
        if value is None and self.original_scope is not None:
            return self.original_scope.get_current_value(variable)
        return value

    def add_update(self, update):
        variable, value = update
        target = self._targets.get(id(variable))
        with self._outside():
            if target is not None:
                mask, old = map(backend.read, (target.mask, variable))
                value = keras.ops.where(mask, value, old)
                # It is read anew, where that is: inside of a loop, or behind.
                self.state_mapping.pop(id(variable), None)
            variable.assign(value)

    @contextlib.contextmanager
    def _outside(self):
        initialize, self.initialize_variables = self.initialize_variables, False
        self.__exit__()
        try:
            yield
        finally:
            self.__enter__()
            self.initialize_variables = initialize


def _masked(target):
    mask = _MASKED[target.unit.gradient]
    return mask(backend.read(target.variable), backend.read(target.mask))
