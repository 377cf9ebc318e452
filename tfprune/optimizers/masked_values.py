"""What a variable holds before, in and after a step of an optimizer.

Wrapped, it holds what learns. In place it holds what is masked, and what learns
there meanwhile is hidden.
"""

from __future__ import annotations

import math

import keras

from tfprune import backend
from tfprune.core import units
from tfprune.ops import masking

# From so many weights on, looking what a step left costs less than moving them.
LARGE = 64 * 1024
# What they do to one weight does not depend on any other.
_ELEMENTWISE = {
    keras.optimizers.SGD,
    keras.optimizers.RMSprop,
    keras.optimizers.Adam,
    keras.optimizers.AdamW,
    keras.optimizers.Adagrad,
    keras.optimizers.Adadelta,
    keras.optimizers.Adamax,
    keras.optimizers.Nadam,
    keras.optimizers.Ftrl,
    keras.optimizers.Lion,
}


def start(group):
    """Makes what steps leave to each other; what was left before is void."""

    def make():
        for unit in group.units:
            for target in filter(_hides, unit.targets):
                if math.prod(target.variable.shape) >= LARGE:
                    target.left = masking.Left()

    backend.outside_graph(make)


def reveal(target):
    """Puts what is hidden where it is masked, for it to learn."""
    if _hides(target):
        mask, shown = map(backend.read, (target.mask, target.variable))
        left = target.left or masking.NOTHING_LEFT
        target.variable.assign(left.reveal(mask, shown, target.hidden))


def counts_elsewhere(optimizer, group) -> bool:
    """Whether the gradient of a masked weight matters to anything else.

    Args:
        optimizer: Keras optimizer, the inner one.
        group: `Group`.
    """
    alone = type(optimizer) in _ELEMENTWISE and not (
        optimizer.clipnorm or optimizer.global_clipnorm or optimizer.use_ema
    )
    return group.pruner.needs_update_hooks or not alone


def mask_gradient(target, gradients):
    """Clears the gradient of what is masked and stays so."""
    gradient = gradients.get(id(target.variable))
    if gradient is not None and target.unit.gradient == "masked":
        mask = backend.read(target.mask)
        gradients[id(target.variable)] = masking.select(gradient, mask)


def hide(target):
    """Masks a variable, after something wrote it."""
    value = backend.read(target.variable)
    if target.hidden is not None or not target.unit.keeps_masked_values:
        _hide(target, value, backend.read(target.mask))


def write(unit, weights, decided):
    """Stores masks that may have changed and the weights under them."""
    hooks = unit.method.pruner.needs_update_hooks
    for target, weight, mask in zip(
        unit.targets, weights, decided, strict=True
    ):
        if not target.changes:
            continue
        if not unit.frozen:
            target.mask.assign(mask)
        is_in_place = isinstance(target, units.InPlaceTarget)
        if is_in_place or unit.gradient == "masked":
            _hide(target, weight, mask)
        elif hooks:
            target.variable.assign(weight)


def decides_in_one_pass(group) -> bool:
    """Whether deciding costs hardly more than masking what was decided."""
    return all(
        _hides(target) and masking.is_compiled(target.variable)
        for unit in group.units
        for target in unit.targets
    )


def write_within(unit, weights, masks, lower, upper):
    """Decides by limits, as `Pruner.limits` gives them, and writes it all."""
    for target, weight, mask in zip(unit.targets, weights, masks, strict=True):
        if target.changes:
            mask, shown = masking.shown_hysteresis(weight, mask, lower, upper)
            target.mask.assign(mask)
            _show(target, weight, shown)


def _hide(target, value, mask):
    """Masks a variable that is to hold a value, which is hidden if wanted."""
    _show(target, value, masking.select(value, mask))


def _show(target, value, shown):
    target.variable.assign(shown)
    if _hides(target):
        target.hidden.assign(value)
        (target.left or masking.NOTHING_LEFT).hold(shown, value)


def _hides(target):
    return target.hidden is not None and target.unit.keeps_masked_values
