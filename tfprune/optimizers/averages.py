"""Averages of weights that an optimizer keeps, and what is masked of them.

Callbacks and Keras put averages in the place of weights. So averages are zero
where masked weights are, between two steps: in place, where what they were is
hidden, and wherever masked weights do not return.
"""

from __future__ import annotations

import dataclasses
import typing

from keras import ops

from tfprune import backend
from tfprune.core import units
from tfprune.ops import masking


@dataclasses.dataclass(eq=False)
class Average:
    """The average of a variable that holds what is masked.

    Args:
        target: `Target`.
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
        self.variable.assign(masking.select(value, mask))


def of(optimizer, targets: list) -> list[Average]:
    """The averages of targets that are masked, if an optimizer keeps any.

    Args:
        optimizer: `OptimizerWrapper`, built.
        targets: List of `Target`.
    """
    known = backend.averages(optimizer)
    masked = filter(_is_masked, targets)
    found = [(x, known.get(id(x.variable))) for x in masked]
    return [
        Average(target, average, _hidden(optimizer, target))
        for target, average in found
        if average is not None
    ]


def _is_masked(target):
    """Whether the variable is zero where its mask says so."""
    in_place = isinstance(target, units.InPlaceTarget)
    return target.changes and (in_place or not target.unit.keeps_masked_values)


def _hidden(optimizer, target):
    if target.hidden is None:
        return None
    return optimizer.add_variable_from_reference(
        target.variable, "hidden_average"
    )
