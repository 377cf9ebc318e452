"""L1 in the Winograd domain, of layers that keep their spatial weights.

With K = G kron G, each filter w has the coefficients u = K w. In each step,

    gradient += decay * K^T sign(K w)

and after it

    u <- 0 where abs(u_p) <= threshold * ||column p of pinv(K)||
    w <- pinv(K) u

The way back makes some of the zeros disappear again: there are more
coefficients than weights. Training the coefficients themselves (`Winograd`)
does not have this limit.
"""

from __future__ import annotations

from keras import ops

from tfprune.core import method
from tfprune.core import pruner
from tfprune.core import update_schedules
from tfprune.layers import winograd_conv2d
from tfprune.numerics import winograd
from tfprune.utils import serialization
from tfprune.utils import validation


@serialization.formerly("L1WinogradMethod")
@method.serializable
class L1Winograd(method.Method):
    """Makes ordinary convolutions sparse in the Winograd domain.

    The layers stay `keras.layers.Conv2D`. Masks show the filters of which
    nothing is left; `tfprune.reports.winograd_sparsity` tells how many
    coefficients are zero.

    Args:
        decay: Float >= 0, strength of the L1 penalty. Defaults to 5e-5.
        threshold: Float >= 0, of coefficients, times what their position is
            worth. Defaults to 1e-4.
        settings: Dict, layer to any of `decay` and `threshold`, or to None for
            a layer that is skipped.

    Raises:
        ValueError: for a number out of range.

    Reference:
        Li, Park, Tang. Enabling Sparse Winograd Convolution by Native
        Pruning. 2017; the released code's `L1_Winograd`.
    """

    def __init__(
        self,
        decay: float = 5e-5,
        *,
        threshold: float = 1e-4,
        settings: dict | None = None,
    ):
        rule = L1WinogradPruner(
            update_schedule=update_schedules.Every(1),
            gradient="dense",
            decay=decay,
            threshold=threshold,
        )
        super().__init__("l1_winograd", rule, settings=settings)

    def unsupported_reason(self, layer):
        return winograd_conv2d.WinogradConv2D.unsupported_reason(
            layer
        ) or super().unsupported_reason(layer)


@serialization.serializable
class L1WinogradPruner(pruner.Pruner):
    """Penalizes and clears coefficients of weights.

    Args:
        decay: Float, of the L1 penalty.
        threshold: Float, of a coefficient.
    """

    decay: float = 5e-5
    threshold: float = 1e-4

    needs_update_hooks = True
    keeps_masked_values = False

    def __post_init__(self):
        super().__post_init__()
        for name in ("decay", "threshold"):
            value = getattr(self, name)
            validation.check(name, value, value >= 0, ">= 0")

    @property
    def settings(self):
        return {"decay": self.decay, "threshold": self.threshold}

    @property
    def terms(self):
        return (_penalized,)

    def project(self, state, old, new, rate, settings):
        return [
            [_cleared(weights, own["threshold"]) for weights in unit]
            for unit, own in zip(new, settings, strict=True)
        ]

    def masks(self, state, weights, masks, step, settings):
        return [list(map(_kept, unit)) for unit in weights]


def _penalized(gradient, weight, step, *, decay, **settings):
    """Adds the gradient of the coefficients' L1 norm."""
    transform = winograd.transform(weight.shape[0])
    signs = ops.sign(winograd.coefficients(weight, transform.kernel_size))
    pull = winograd.both_axes(transform.weights, signs)
    return gradient + ops.cast(decay * pull, gradient.dtype)


def _kept(weights):
    """Masks whole filters: what rounding leaves of a weight is no zero."""
    kept = ops.any(ops.not_equal(weights, 0), axis=(0, 1), keepdims=True)
    return ops.broadcast_to(kept, weights.shape)


def _cleared(weights, threshold):
    """Takes small coefficients out of weights, and no rounding with them."""
    transform = winograd.transform(weights.shape[0])
    norms = transform.projection_norms[:, :, None, None]
    limits = threshold * ops.convert_to_tensor(norms, weights.dtype)
    u = winograd.coefficients(weights, transform.kernel_size)
    small = ops.abs(u) <= limits
    out = ops.where(small, u, ops.zeros_like(u))
    left = weights - winograd.weights(out, transform.kernel_size)
    is_zero = ops.all(small, axis=(0, 1), keepdims=True)
    return ops.where(is_zero, ops.zeros_like(left), left)
