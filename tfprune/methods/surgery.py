"""Dynamic network surgery: prune, and splice back what was cut in error.

Per layer, once, over the non-zero weights and biases x together:

    mu, sigma = mean(abs(x)), std(abs(x))
    t = max(mu + c * sigma, 0)

and after an update, with probability (1 + gamma * step)^-power while
step < stop_step, a kept weight with abs(w) <= 0.9 t goes and a pruned one
with abs(w) > 1.1 t returns. Pruned weights take no part in the forward pass
and keep receiving
gradients.
"""

from __future__ import annotations

import math

import numpy as np
from keras import ops

from tfprune.core import allocation
from tfprune.core import method
from tfprune.core import pruner
from tfprune.core import selection
from tfprune.core import update_schedules
from tfprune.utils import serialization
from tfprune.utils import validation

_SPREAD = ("mu", "sigma")


@method.serializable
class Surgery(method.Method):
    """Prunes below, and restores above, a threshold from each layer's spread.

    Args:
        target_sparsity: Float in [0, 1): the fraction of zeros that the first
            decision gives each layer; c is solved from it. Splicing and
            training move it from there. Defaults to None.
        c: Float, usually -2 to 5: the threshold is mu + c sigma. Defaults to
            3 where no `target_sparsity` is given.
        gamma: Float, decay of the surgery probability. Defaults to 1e-4.
        power: Float, its exponent. Defaults to 1.
        stop_step: Integer or None, masks are final from there on. Defaults
            to None: never.
        seed: Integer, of the random steps. Defaults to 0.
        settings: Dict, layer to any of `target_sparsity`, `c`, `gamma`,
            `power`, `stop_step`, or to None for a layer that is skipped.

    Example:

    ```python
    Surgery(0.95, settings={"ip3": {"target_sparsity": 0.8}, "conv1": None})
    ```

    Reference:
        Guo, Yao, Chen. Dynamic Network Surgery for Efficient DNNs.
        NIPS 2016.
    """

    def __init__(
        self,
        target_sparsity: float | None = None,
        *,
        c: float | None = None,
        gamma: float = 1e-4,
        power: float = 1.0,
        stop_step: int | None = None,
        seed: int = 0,
        settings: dict | None = None,
    ):
        if target_sparsity is not None:
            validation.check_sparsity("target_sparsity", target_sparsity)
            validation.check(
                "c", c, c is None, "None where `target_sparsity` is given"
            )
        settings = {
            pattern: own and _explicit(own)
            for pattern, own in (settings or {}).items()
        }
        rule = SurgeryPruner(
            allocation=allocation.Explicit(),
            update_schedule=update_schedules.Probabilistic(
                gamma, power, stop_step, seed
            ),
            selection=selection.Hysteresis(),
            gradient="dense",
            c=3.0 if c is None and target_sparsity is None else c,
            target_sparsity=target_sparsity,
        )
        super().__init__("surgery", rule, ("kernel", "bias"), settings)


def _explicit(own):
    """A layer's own c or target goes before those of the others."""
    if own.get("target_sparsity") is not None:
        validation.check_sparsity("target_sparsity", own["target_sparsity"])
    if own.keys() & {"c", "target_sparsity"}:
        return {"c": None, "target_sparsity": None, **own}
    return own


@serialization.serializable
class SurgeryPruner(pruner.Pruner):
    """Thresholds at `mu + c * sigma`, with statistics taken once."""

    c: float | None = 3.0
    target_sparsity: float | None = None

    @property
    def settings(self):
        own = {"c": self.c, "target_sparsity": self.target_sparsity}
        own = {k: math.nan if v is None else v for k, v in own.items()}
        return {**own, **super().settings}

    def build(self, weights, settings):
        state = [_statistics(_magnitudes(unit)) for unit in weights]
        rows = zip(weights, state, settings, strict=True)
        return state, [
            {**own, "c": self._solve(unit, stats, own)}
            for unit, stats, own in rows
        ]

    def describe(self, weights, settings, names):
        lines = ["surgery: implied sparsity at 0.9 t, t and 1.1 t"]
        for unit, own, name in zip(weights, settings, names, strict=True):
            x = _magnitudes(unit)
            t = _threshold(**_statistics(x), c=own["c"])
            at = [np.mean(x <= f * t) if x.size else 0 for f in (0.9, 1, 1.1)]
            shares = "  ".join(f"{share:7.2%}" for share in at)
            lines.append(f"  {name:20} c={own['c']:7.3f}  {shares}")
        return "\n".join(lines)

    def budgets(self, state, scores, step, settings, shapes):
        mu, sigma = (pruner.of_all(state, name) for name in _SPREAD)
        c = pruner.of_all(settings, "c")
        return ops.unstack(ops.maximum(mu + c * sigma, 0.0))

    def limits(self, state, due, step, settings):
        thresholds = self.budgets(state, None, step, settings, None)
        lower, upper = self.selection.limits(ops.stack(thresholds))
        lower = ops.unstack(ops.where(due, lower, -math.inf))
        upper = ops.unstack(ops.where(due, upper, math.inf))
        return lower, upper

    def update_masks(self, state, weights, masks, due, step, settings):
        """Decides array by array: a threshold needs no other weights.

        Joining a unit, or choosing between old and new masks, would cost as
        much as all the rest.
        """
        limits = self.limits(state, due, step, settings)
        return [
            [
                self.selection.by_magnitude(weight, kept, low, high)
                for weight, kept in zip(*unit, strict=True)
            ]
            for *unit, low, high in zip(weights, masks, *limits, strict=True)
        ]

    def final_sparsity(self, settings):
        target = settings["target_sparsity"]
        return None if math.isnan(target) else target

    def _solve(self, unit, stats, own):
        """The c of a unit: its own, or the one that gives its target.

        The lower threshold, 0.9 t, is what the first decision prunes at.
        """
        if not math.isnan(own["c"]):
            return own["c"]
        x = _magnitudes(unit)
        pruned = min(round(own["target_sparsity"] * x.size), x.size) - 1
        lower = np.partition(x, pruned)[pruned] if pruned >= 0 else 0.0
        t = lower / self.selection.lower * (1 + 1e-6)
        return float((t - stats["mu"]) / max(stats["sigma"], 1e-12))


def _magnitudes(unit):
    return np.abs(np.concatenate([np.ravel(array) for array in unit]))


def _statistics(x):
    """Mean and population deviation of the non-zero magnitudes."""
    x = x[x != 0].astype("float64")
    if x.size == 0:
        return {"mu": 0.0, "sigma": 0.0}
    return {"mu": float(x.mean()), "sigma": float(x.std())}


def _threshold(mu, sigma, c):
    return max(mu + c * sigma, 0.0)
