"""Winograd pruning: an L1 penalty and thresholds on Winograd coefficients.

In each step, for the entries u of the kernels that are pruned,

    gradient += decay * sign(u)
    d = the step that the inner optimizer makes of it
    u <- 0 where abs(u) <= threshold / (abs(d) + 1 / factor)

In a `WinogradConv2D` the entry at position p is the coefficient times
||row p of (A kron A)||, and times a constant or, where `to_winograd` has seen
data, what the entry is multiplied with: what goes would change the output by as
much at every position.
"""

from __future__ import annotations

from tfprune.core import method
from tfprune.layers import winograd_conv2d
from tfprune.methods import guided
from tfprune.utils import serialization


@serialization.formerly("WinogradMethod")
@method.serializable
class Winograd(method.Method):
    """Prunes the coefficients of `WinogradConv2D` layers while they train.

    Convert a model with `tfprune.to_winograd` first, and show it data. Other
    methods prune these layers, too.

    Args:
        decay: Float >= 0, strength of the L1 penalty, in the gradient.
            Defaults to 5e-5.
        threshold: Float >= 0, as for `Guided`. Defaults to 1e-4.
        factor: Float >= 2, as for `Guided`. Defaults to 10.
        signal: `"step"` (default) or `"gradient"`, as for `Guided`.
        shrinkage: As for `Guided`: `"guided"` (default), `"hard"`, which is
            the plain threshold, `"soft"`, `"ista"` or `"hidden"`.
        settings: As for `Guided`.

    Raises:
        ValueError: as `Guided`.

    Example:

    ```python
    model = tfprune.to_winograd(model, data=x_train[:500])
    model = tfprune.prune(model, tfprune.methods.Winograd(1e-4))
    ```

    Reference:
        Li, Park, Tang. Enabling Sparse Winograd Convolution by Native
        Pruning. 2017.
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
        rule = guided.Guided(
            decay,
            threshold=threshold,
            factor=factor,
            signal=signal,
            shrinkage=shrinkage,
        ).pruner
        super().__init__("winograd", rule, settings=settings)

    def unsupported_reason(self, layer):
        if not isinstance(layer, winograd_conv2d.WinogradConv2D):
            return (
                f"it is a {type(layer).__name__}, not a WinogradConv2D: see "
                "tfprune.to_winograd"
            )
        return super().unsupported_reason(layer)
