"""Averages of weights that an optimizer keeps, and what is masked of them.

Callbacks put averages in the place of weights. So, in place, averages are zero
where weights are, between two steps; what they were there is hidden.
"""

from __future__ import annotations

import dataclasses
import typing

from keras import ops

from tfprune import backend


@dataclasses.dataclass(eq=False)
class Average:
    """The average of a variable that is pruned in place.

    Args:
        target: `InPlaceTarget`.
        variable: Float variable of the inner optimizer.
        hidden: Float variable: all of the average, or None where what is
            masked does not return.
    """

    target: typing.Any
    variable: typing.Any
    hidden: typing.Any

    def reveal(self) -> None:
        """Puts back what is hidden, which may not be masked any more."""
        if self.hidden is not None:
            value = backend.read(self.variable)
            value = ops.where(value == 0, self.hidden, value)
            self.variable.assign(value)

    def hide(self) -> None:
        """Masks the average, after a step."""
        value = backend.read(self.variable)
        if self.hidden is not None:
            self.hidden.assign(value)
        mask = backend.read(self.target.mask)
        self.variable.assign(backend.select(value, mask))


def of(optimizer, targets: list) -> list[Average]:
    """The averages of targets, if an optimizer keeps any.

    Args:
        optimizer: `OptimizerWrapper`, built.
        targets: List of `InPlaceTarget`.
    """
    known = backend.averages(optimizer)
    found = [(x, known.get(id(x.variable))) for x in targets]
    return [
        Average(target, average, _hidden(optimizer, target))
        for target, average in found
        if average is not None
    ]


def _hidden(optimizer, target):
    if target.hidden is None:
        return None
    return optimizer.add_variable_from_reference(
        target.variable, "hidden_average"
    )
