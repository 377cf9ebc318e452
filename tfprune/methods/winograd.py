"""Winograd pruning: an L1 penalty and thresholds on Winograd coefficients.

In each step, for the coefficients u of the layers that are pruned,

    gradient += decay * sign(u)
    d = the step that the inner optimizer makes of it
    u <- 0 where abs(u) <= a * threshold / (abs(d) + 1 / factor)

with a = 1 / ||row p of (A kron A)|| at position p, so that what goes would
change the output by as much at every position.
"""

from __future__ import annotations

import dataclasses

from tfprune.core import part
from tfprune.core import winograd_shrinkage
from tfprune.layers import winograd_conv2d
from tfprune.methods import guided
from tfprune.methods import method


def Winograd(
    decay: float = 5e-5,
    *,
    threshold: float = 1e-4,
    factor: float = 10.0,
    signal: str = "step",
    shrinkage: str = "guided",
    adjust: bool = True,
    settings: dict | None = None,
) -> method.Method:
    """Prunes the coefficients of `WinogradConv2D` layers while they train.

    Convert a model with `tfprune.to_winograd` first. Other methods prune
    these layers, too; this one knows what each position is worth. Learning
    rates must be low: the output follows a coefficient up to 85 times as
    strongly as the weight of a filter.

    Args:
        decay: Float >= 0, strength of the L1 penalty, in the gradient.
            Defaults to 5e-5.
        threshold: Float >= 0, as for `Guided`. Defaults to 1e-4.
        factor: Float >= 2, as for `Guided`. Defaults to 10.
        signal: `"step"` (default) or `"gradient"`, as for `Guided`.
        shrinkage: As for `Guided`: `"guided"` (default), `"hard"`, which is
            the plain threshold, `"soft"`, `"ista"` or `"hidden"`.
        adjust: Bool, whether thresholds differ between positions. Defaults to
            True.
        settings: As for `Guided`.

    Returns:
        A `Method`.

    Raises:
        ValueError: as `Guided`.

    Example:

    ```python
    model = tfprune.to_winograd(model)
    model = tfprune.prune(model, tfprune.methods.Winograd(1e-4))
    ```

    Reference:
        Li, Park, Tang. Enabling Sparse Winograd Convolution by Native
        Pruning. 2017.
    """
    rule = guided.Guided(
        decay,
        threshold=threshold,
        factor=factor,
        signal=signal,
        shrinkage=shrinkage,
    ).pruner
    if adjust:
        own = winograd_shrinkage.ByPosition(rule.shrinkage)
        rule = dataclasses.replace(rule, shrinkage=own)
    return WinogradMethod("winograd", rule, settings=settings)


@part.part
class WinogradMethod(method.Method):
    """A method for layers whose kernels are Winograd coefficients."""

    def misfit(self, layer):
        if not isinstance(layer, winograd_conv2d.WinogradConv2D):
            return (
                f"it is a {type(layer).__name__}, not a WinogradConv2D: see "
                "tfprune.to_winograd"
            )
        return super().misfit(layer)
