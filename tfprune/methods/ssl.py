"""Structured sparsity learning: whole groups of weights fade to zero.

In each step, behind the inner optimizer's, and for each kind of group,

    group <- group * max(1 - rate * strength * size**power / norm(group), 0)

A group whose norm is not above the threshold when the schedule says so is
masked: it is zero and stays so.
"""

from __future__ import annotations

import keras
from keras import ops

from tfprune.core import allocation
from tfprune.core import criteria
from tfprune.core import masks as masks_lib
from tfprune.core import method
from tfprune.core import pruner
from tfprune.core import structures
from tfprune.core import update_schedules
from tfprune.graph import leaves
from tfprune.graph import model_graph
from tfprune.graph import shortcuts
from tfprune.regularizers import group_lasso
from tfprune.utils import serialization
from tfprune.utils import validation

_GROUPS = {
    "filters": structures.Filter(),
    "channels": structures.Channel(),
    "shapes": structures.FilterShape(),
    "layers": structures.Layer(),
}
_LAYERS = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Dense,
)


@serialization.formerly("SSLMethod")
@method.serializable
class SSL(method.Method):
    """Makes whole filters, channels, columns or layers zero while training.

    Each of the first four is the strength of a group lasso over groups of
    that kind, or None for none. It acts as a proximal step, which makes exact
    zeros and is no part of the gradient: with a momentum of m it is as strong
    as a penalty of (1 - m) times the strength. `tfprune.freeze` keeps what is
    out where it is, for fine-tuning.

    Args:
        filters: Float >= 0, over filters or units, each with its bias.
            Defaults to 0.01 where no other strength is given, else to None.
        channels: Float >= 0, over input channels. Defaults to None.
        shapes: Float >= 0, over columns: one tap at one channel, in all
            filters. Defaults to None.
        layers: Float >= 0, over whole layers, around which a shortcut must
            lead: it is 0 for all others. Defaults to None.
        power: Float, of a group's size in its weight. Defaults to 0.5; the
            released code has 0.
        threshold: Float >= 0, the L2 norm of a group up to which it goes.
            Defaults to 0: what proximal steps made zero.
        begin_step: Integer, completed updates before which a group that is
            zero may return. Defaults to 0. The original masks at the end of
            training alone.
        frequency: Integer, updates between decisions. Defaults to 1.
        settings: Dict, layer to any of the strengths in use, or to None for a
            layer that is skipped.

    Example:

    ```python
    SSL(filters=0.05, channels=0.05, settings={"conv1": {"channels": 0.0}})
    ```

    Reference:
        Wen et al. Learning Structured Sparsity in Deep Neural Networks.
        NIPS 2016.
    """

    def __init__(
        self,
        filters: float | None = None,
        channels: float | None = None,
        shapes: float | None = None,
        layers: float | None = None,
        *,
        power: float = 0.5,
        threshold: float = 0.0,
        begin_step: int = 0,
        frequency: int = 1,
        settings: dict | None = None,
    ):
        strengths = (filters, channels, shapes, layers)
        if all(strength is None for strength in strengths):
            strengths = (0.01, None, None, None)
        rule = SSLPruner(
            criterion=criteria.GroupNorm(),
            allocation=allocation.Explicit(),
            update_schedule=update_schedules.Every(frequency, begin_step),
            strengths=strengths,
            power=power,
            threshold=threshold,
        )
        super().__init__("ssl", rule, ("kernel", "bias"), settings)

    def unsupported_reason(self, layer):
        if not isinstance(layer, _LAYERS):
            return "it has no filters of its own along the last axis"
        across = {"channels", "shapes"} & self.pruner.settings.keys()
        if getattr(layer, "groups", 1) > 1 and across:
            return "its filters do not all read the same channels"
        return super().unsupported_reason(layer)

    def resolve_settings(self, model, settings):
        if "layers" not in self.pruner.settings:
            return settings
        free = shortcuts.bypassed(model_graph.ModelGraph(model))
        layers = leaves.addresses(model)
        needed = {name for name, x in layers.items() if id(x) not in free}
        for name in sorted(needed & settings.keys()):
            own = settings[name] or {}
            validation.check(
                f"settings[{name!r}]['layers']",
                own.get("layers"),
                not own.get("layers"),
                "0: no shortcut leads around the layer, without which the "
                "model is silent",
            )
            settings = {**settings, name: {**own, "layers": 0.0}}
        return settings


@serialization.serializable
class SSLPruner(pruner.Pruner):
    """Shrinks groups of several kinds, and masks those that are zero.

    Args:
        strengths: Tuple of four floats or None: of filters, channels, shapes
            and layers.
        power: Float, of a group's size in its weight.
        threshold: Float, the norm up to which a group goes.
    """

    strengths: tuple[float | None, ...] = (0.01, None, None, None)
    power: float = 0.5
    threshold: float = 0.0

    needs_update_hooks = True

    def __post_init__(self):
        super().__post_init__()
        object.__setattr__(self, "strengths", tuple(self.strengths))
        for name, strength in self._strengths.items():
            validation.check(name, strength, strength >= 0, ">= 0, or None")
        validation.check(
            "threshold", self.threshold, self.threshold >= 0, ">= 0"
        )

    @property
    def settings(self):
        return {**self._strengths, **super().settings}

    def project(self, state, old, new, rate, settings):
        return [
            self._shrink(unit, rate, own)
            for unit, own in zip(new, settings, strict=True)
        ]

    def masks(self, state, weights, masks, step, settings):
        return list(map(self._without_zeros, weights, masks))

    def _shrink(self, unit, rate, own):
        """Takes one proximal step for each kind of group, one by one."""
        for name in self._strengths:
            lasso = group_lasso.GroupLasso(1.0, _GROUPS[name], self.power)
            places = _places(lasso.structure, unit)
            short = lasso.proximal([unit[i] for i in places], rate * own[name])
            unit = _replaced(unit, places, short)
        return unit

    def _without_zeros(self, unit, kept):
        """Masks what is in a group of any kind that is zero."""
        unit = list(map(masks_lib.select, unit, kept))
        for name in self._strengths:
            structure = _GROUPS[name]
            places = _places(structure, unit)
            fitting = [unit[i] for i in places]
            alive = self.criterion(structure.join(fitting)) > self.threshold
            alive = structure.split(alive, [x.shape for x in fitting])
            both = [kept[i] for i in places], alive
            kept = _replaced(kept, places, map(ops.logical_and, *both))
        return kept

    @property
    def _strengths(self):
        pairs = zip(_GROUPS, self.strengths, strict=True)
        return {name: x for name, x in pairs if x is not None}


def _places(structure, unit):
    """Which arrays of a unit are cut into such groups."""
    return [
        place
        for place, array in enumerate(unit)
        if structure.unsupported_reason(array.shape) is None
    ]


def _replaced(unit, places, arrays):
    """A unit with some of its arrays replaced."""
    new = dict(zip(places, arrays, strict=True))
    return [new.get(place, array) for place, array in enumerate(unit)]
