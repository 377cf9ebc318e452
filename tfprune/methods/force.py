"""Force: filters are pulled together, for a factorisation that costs little.

It prunes nothing itself: `tfprune.factorize` makes low-rank layers afterwards.
"""

from __future__ import annotations

import typing

from keras import ops

from tfprune.core import force
from tfprune.core import method as method_lib
from tfprune.core import pruner
from tfprune.utils import serialization
from tfprune.utils import validation


@method_lib.serializable
class Force(method_lib.Method):
    """Lowers the ranks of convolutions while they are trained or pruned.

    It is `tfprune.optimizers.ForceRegularized` as part of a method; filters of
    grouped convolutions pull within their group.

    Args:
        force_decay: Float >= 0, the strength, or a schedule; see there.
            Defaults to 1e-4.
        force_type: `"degradation"` (default), `"constant"`, `"gravity"` or
            `"linear"`.
        force_mult: Dict, layer name or regular expression to a factor of
            `force_decay`. Defaults to None: 1 for convolutions of images and
            volumes with windows larger than 1.
        direction: `"all"` (default) or `"same"`.
        adaptive: Bool. Defaults to False.
        stop_step: Integer, updates after which there is no force. Defaults
            to None: never.
        method: `Method` that prunes meanwhile. Defaults to None: nothing is
            pruned.
        settings: Dict, layer to None for one that is left alone. Only
            without `method`, which has its own.

    Reference:
        Wen et al. Coordinating Filters for Faster Deep Neural Networks. ICCV
        2017.
    """

    method: method_lib.Method | None = None

    def __init__(
        self,
        force_decay: typing.Any = 1e-4,
        force_type: str = "degradation",
        *,
        force_mult: dict | None = None,
        direction: str = "all",
        adaptive: bool = False,
        stop_step: int | None = None,
        method: method_lib.Method | None = None,
        settings: dict | None = None,
    ):
        term = force.Force(
            force_decay, force_type, force_mult, direction, adaptive, stop_step
        )
        expected = "those of `method`"
        alone = method is None or settings is None
        validation.check("settings", settings, alone, expected)
        inner = method or method_lib.Method("force", Idle(), settings=settings)
        object.__setattr__(self, "method", method)
        super().__init__(
            inner.name,
            inner.pruner,
            inner.roles,
            inner.settings,
            (*inner.terms, term),
        )

    def unsupported_reason(self, layer):
        return (self.method or super()).unsupported_reason(layer)

    def targets(self, layer):
        return (self.method or super()).targets(layer)

    def summed_axes(self, layer, variable):
        return (self.method or super()).summed_axes(layer, variable)

    def resolve_settings(self, model, settings):
        return (self.method or super()).resolve_settings(model, settings)


@serialization.serializable
class Idle(pruner.Pruner):
    """Decides nothing, ever."""

    settings = {}

    def due(self, step, settings):
        return ops.zeros((len(settings),), "bool")

    def final_sparsity(self, settings):
        return None

    def target_step(self, settings):
        return 0
