"""What a variable holds before, in and after a step of an optimizer.

Wrapped, it holds what learns. In place it holds what is masked, and what learns
there meanwhile is hidden.
"""

from __future__ import annotations

from keras import ops

from tfprune import backend
from tfprune.core import units


def reveal(target):
    """Puts what is hidden where it is masked, for it to learn."""
    if target.hidden is not None and target.unit.keeps_masked_values:
        mask = backend.read(target.mask)
        target.variable.assign(ops.where(mask, target.variable, target.hidden))


def mask_gradient(target, gradients):
    """Clears the gradient of what is masked and stays so."""
    gradient = gradients.get(id(target.variable))
    if gradient is not None and target.unit.gradient == "masked":
        mask = backend.read(target.mask)
        gradients[id(target.variable)] = backend.select(gradient, mask)


def hide(target):
    """Masks a variable, after something wrote it."""
    value = backend.read(target.variable)
    if target.hidden is not None:
        target.hidden.assign(value)
    if target.hidden is not None or not target.unit.keeps_masked_values:
        mask = backend.read(target.mask)
        target.variable.assign(backend.select(value, mask))


def write(unit, weights, decided):
    """Stores masks that may have changed and the weights under them."""
    hooks = unit.method.pruner.needs_update_hooks
    for target, weight, mask in zip(
        unit.targets, weights, decided, strict=True
    ):
        if not target.variable.trainable:
            continue
        if not unit.frozen:
            target.mask.assign(mask)
        if target.hidden is not None and unit.keeps_masked_values:
            target.hidden.assign(weight)
        is_in_place = isinstance(target, units.InPlaceTarget)
        if is_in_place or unit.gradient == "masked":
            target.variable.assign(backend.select(weight, mask))
        elif hooks:
            target.variable.assign(weight)
