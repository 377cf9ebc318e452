"""Threshold surgery: the re-implementation with the 68-95-99.7 rule.

At random steps, the same for all layers, each layer takes the mean m and
population deviation s of its current dense kernel, zeros included, and prunes
the band

    mask = not (m - z * s < w < m + z * s)

so that z alone fixes the sparsity: under a Gaussian .674 gives 50 %, .994
68 %, 1.281 80 %, 1.644 90 %, 1.959 95 %. Biases are never pruned.
"""

from __future__ import annotations

from keras import ops

from tfprune.core import allocation
from tfprune.core import criteria
from tfprune.core import method
from tfprune.core import pruner
from tfprune.core import selection
from tfprune.core import update_schedules
from tfprune.utils import serialization
from tfprune.utils import validation


@method.serializable
class ThresholdSurgery(method.Method):
    """Prunes the band of `z` deviations around each kernel's mean.

    Args:
        z: Float > 0, half the width of the band in deviations. Defaults to
            0.674, about half of the weights. (The original has .6 for
            convolutions and 1.281 for dense layers.)
        gamma: Float, decay of the surgery probability. Defaults to 1e-4.
        power: Float, its exponent. Defaults to 1.
        stop_step: Integer or None, masks are final from there on. Defaults
            to None: never.
        every_step: Bool. The released code never clears its surgery flag, so
            that it decides after every step: True does the same. Defaults to
            False: decisions are at random steps.
        seed: Integer, of the random steps. Defaults to 0.
        settings: Dict, layer to `{"z": z}`, or to None for a layer that is
            skipped.

    Reference:
        HolmesShuan. Dynamic Network Surgery, Caffe re-implementation. 2017.
    """

    def __init__(
        self,
        z: float = 0.674,
        *,
        gamma: float = 1e-4,
        power: float = 1.0,
        stop_step: int | None = None,
        every_step: bool = False,
        seed: int = 0,
        settings: dict | None = None,
    ):
        validation.check("z", z, z > 0, "> 0")
        gamma = 0.0 if every_step else gamma
        rule = BandPruner(
            criterion=criteria.Deviation(),
            allocation=allocation.Explicit(),
            update_schedule=update_schedules.Probabilistic(
                gamma, power, stop_step, seed, shared=True
            ),
            selection=selection.Threshold(),
            gradient="dense",
            z=z,
        )
        super().__init__("threshold_surgery", rule, settings=settings)


@serialization.serializable
class BandPruner(pruner.Pruner):
    """Thresholds at `z` standard deviations of the current weights."""

    z: float = 0.674

    @property
    def settings(self):
        return {"z": self.z, **super().settings}

    def budgets(self, state, scores, step, settings, shapes):
        # The scores are abs(w - mean): their root mean square is the
        # population deviation of w.
        return [
            own["z"] * ops.sqrt(ops.mean(ops.square(score)))
            for score, own in zip(scores, settings, strict=True)
        ]
