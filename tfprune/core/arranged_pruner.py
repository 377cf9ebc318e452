"""ArrangedPruner: any kernel is decided as one of a dense layer.

Layers have what they sum over along different axes of their kernels. A pruner
is shown kernels in which it is the last axis but one, so that no part of a
method knows of layers.
"""

from __future__ import annotations

from tfprune.core import arrangement
from tfprune.core import pruner_view


def over(pruner, units: list):
    """The pruner of some units: one that arranges kernels, where needed."""
    targets = [target for unit in units for target in unit.targets]
    if all(target.summed_axes is None for target in targets):
        return pruner
    return ArrangedPruner(pruner, units)


class ArrangedPruner(pruner_view.PrunerView):
    """Decides kernels that are transposed as their targets say.

    Args:
        pruner: `Pruner`.
        units: List of `Unit`, whose targets have `summed_axes`.
    """

    def __init__(self, pruner, units):
        super().__init__(pruner)
        self._arrangements = [
            [
                arrangement.Arrangement(t.variable.shape, t.summed_axes)
                for t in unit.targets
            ]
            for unit in units
        ]

    @property
    def settings(self):
        return self._pruner.settings

    def build(self, weights, settings):
        return self._pruner.build(self._arranged(weights), settings)

    def describe(self, weights, settings, names):
        return self._pruner.describe(self._arranged(weights), settings, names)

    def observe(self, state, weights, gradients):
        return self._pruner.observe(
            state, self._arranged(weights), self._arranged(gradients)
        )

    def update_masks(self, state, weights, masks, due, step, settings):
        weights, masks = self._arranged(weights), self._arranged(masks)
        return self._restored(
            self._pruner.update_masks(
                state, weights, masks, due, step, settings
            )
        )

    def masks(self, state, weights, masks, step, settings):
        weights, masks = self._arranged(weights), self._arranged(masks)
        return self._restored(
            self._pruner.masks(state, weights, masks, step, settings)
        )

    def project(self, state, old, new, rate, settings):
        old, new = self._arranged(old), self._arranged(new)
        return self._restored(
            self._pruner.project(state, old, new, rate, settings)
        )

    def _arranged(self, arrays):
        return self._each(
            lambda own, array: None if array is None else own.arrange(array),
            arrays,
        )

    def _restored(self, arrays):
        return self._each(lambda own, array: own.restore(array), arrays)

    def _each(self, function, arrays):
        return [
            [function(*pair) for pair in zip(*unit, strict=True)]
            for unit in zip(self._arrangements, arrays, strict=True)
        ]
