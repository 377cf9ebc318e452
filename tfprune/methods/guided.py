"""Guided pruning: an L1 penalty, and a threshold that spares what moves.

In each step, for the kernels of the layers that are pruned,

    gradient += decay * sign(w)
    d = the step that the inner optimizer makes of it
    w <- 0 where abs(w) <= threshold / (abs(d) + 1 / factor)

No mask holds a weight at zero: it keeps gradient and momentum, and returns
with a step above its threshold. `tfprune.freeze` ends that, for fine-tuning.
"""

from __future__ import annotations

import typing

from keras import ops

from tfprune.core import masks as masks_lib
from tfprune.core import method
from tfprune.core import pruner
from tfprune.core import shrinkage as shrinkages
from tfprune.core import signals
from tfprune.core import update_schedules
from tfprune.utils import serialization
from tfprune.utils import validation

_SIGNALS = {"step": signals.Step, "gradient": signals.Gradient}
_SHRINKAGES = {
    "guided": shrinkages.Guided,
    "hard": lambda factor: shrinkages.Hard(),
    "soft": lambda factor: shrinkages.Soft(),
    "ista": lambda factor: shrinkages.Soft(gradient_term=True),
    "hidden": lambda factor: shrinkages.Hidden(),
}


@method.serializable
class Guided(method.Method):
    """Prunes by an L1 penalty and by a threshold after each update.

    The trade-off between sparsity and accuracy is set by the decay, for all
    layers or for each, not by the threshold. Biases are never pruned, nor
    penalized. Where layers are to be faster, `tfprune.profiling.project` gives
    settings that skip layers which would not be.

    Args:
        decay: Float >= 0, strength of the L1 penalty, in the gradient.
            Defaults to 5e-5.
        threshold: Float >= 0, of a weight that moves by 1. Defaults to 1e-4.
        factor: Float >= 2: a weight at rest has so many times the threshold.
            Defaults to 10.
        signal: What tells that a weight is moving. `"step"` (default): the
            optimizer's step, as in the released code, in which case nearly
            all weights have the threshold of rest; `"gradient"`: the gradient
            of loss and penalty, as its README describes.
        shrinkage: `"guided"` (default); `"hard"`: one threshold for all
            weights; `"soft"`: weights shrink by the learning rate times the
            decay after the step, instead of in the gradient; `"ista"`: both,
            as the released code's ISTA; `"hidden"`: what is below the
            threshold takes no part in the forward pass and keeps receiving
            gradients, as the released code's L1_DNS.
        settings: Dict, layer to any of `decay`, `threshold`, and `active` (0:
            its zeros are final, and it is pruned no further); or to None for
            a layer that is skipped.

    Raises:
        ValueError: for a number out of range or an unknown name.

    Example:

    ```python
    Guided(5e-5, settings={"conv1": None, "fc.*": {"decay": 5e-6}})
    ```

    Reference:
        Park et al. Faster CNNs with Direct Sparse Convolutions and Guided
        Pruning. ICLR 2017.
    """

    def __init__(
        self,
        decay: float = 5e-5,
        *,
        threshold: float = 1e-4,
        factor: float = 10.0,
        signal: str = "step",
        shrinkage: str = "guided",
        settings: dict | None = None,
    ):
        if signal not in _SIGNALS:
            raise ValueError(validation.unknown("signal", signal, _SIGNALS))
        if shrinkage not in _SHRINKAGES:
            raise ValueError(
                validation.unknown("shrinkage", shrinkage, _SHRINKAGES)
            )
        rule = GuidedPruner(
            update_schedule=update_schedules.Every(1),
            gradient="dense",
            decay=decay,
            threshold=threshold,
            signal=_SIGNALS[signal](),
            shrinkage=_SHRINKAGES[shrinkage](factor),
        )
        super().__init__("guided", rule, settings=settings)


@serialization.serializable
class GuidedPruner(pruner.Pruner):
    """Penalizes weights, shrinks them after a step, and masks the zeros.

    Args:
        decay: Float, of the L1 penalty.
        threshold: Float, of a weight that moves by 1.
        signal: Of `tfprune.core.signals`.
        shrinkage: Of `tfprune.core.shrinkage`.
    """

    decay: float = 5e-5
    threshold: float = 1e-4
    signal: typing.Any = signals.Step()
    shrinkage: typing.Any = shrinkages.Guided()

    needs_update_hooks = True

    def __post_init__(self):
        super().__post_init__()
        for name in ("decay", "threshold"):
            value = getattr(self, name)
            validation.check(name, value, value >= 0, ">= 0")

    @property
    def keeps_masked_values(self):
        return self.shrinkage.keeps_masked_values

    @property
    def settings(self):
        return {
            "decay": self.decay,
            "threshold": self.threshold,
            "active": 1.0,
            # What `GuidedGate` saw, so that a resumed run has it.
            "best_sparsity": 0.0,
            "looks": 0.0,
        }

    @property
    def terms(self):
        return (self._penalized,) if self.shrinkage.gradient_term else ()

    def build(self, weights, settings):
        return list(map(self.signal.build, weights)), settings

    def due(self, step, settings):
        active = pruner.of_all(settings, "active")
        return ops.logical_and(super().due(step, settings), active > 0)

    def observe(self, state, weights, gradients):
        return list(map(self.signal.observe, state, gradients))

    def project(self, state, old, new, rate, settings):
        return [
            self._shrunk(self.signal(own, *both), both[1], rate, setting)
            for own, *both, setting in zip(
                state, old, new, settings, strict=True
            )
        ]

    def masks(self, state, weights, masks, step, settings):
        return [
            [self.shrinkage.kept(w, own) for w in unit]
            for unit, own in zip(weights, settings, strict=True)
        ]

    def _penalized(self, gradient, weight, step, **own):
        # As the forward pass sees it: what is out is not pulled to zero.
        seen = masks_lib.select(weight, self.shrinkage.kept(weight, own))
        pull = own["active"] * own["decay"] * ops.sign(seen)
        return gradient + ops.cast(pull, gradient.dtype)

    def _shrunk(self, movements, unit, rate, own):
        return [
            ops.where(own["active"] > 0, self.shrinkage(w, d, rate, own), w)
            for w, d in zip(unit, movements, strict=True)
        ]
