"""Shrinkage of Winograd coefficients: a threshold for each position."""

from __future__ import annotations

import typing

from keras import ops

from tfprune.core import part
from tfprune.core import shrinkage
from tfprune.core import winograd


@part.part
class ByPosition(part.Part):
    """Another shrinkage, its threshold times 1 / ||row p of (A kron A)||.

    What is below the threshold then matters as little to the output at every
    position p.

    Args:
        inner: Of `tfprune.core.shrinkage`. Defaults to `Guided`.

    Reference:
        Li, Park, Tang. Enabling Sparse Winograd Convolution by Native
        Pruning. 2017.
    """

    inner: typing.Any = shrinkage.Guided()

    @property
    def gradient_term(self):
        return self.inner.gradient_term

    @property
    def hides(self):
        return self.inner.hides

    def __call__(self, weights, movement, rate, own):
        """Returns the coefficients `(M, M, channels, filters)` after a step."""
        return self.inner(weights, movement, rate, _scaled(weights, own))

    def kept(self, weights, own):
        """Returns which coefficients take part in the forward pass."""
        return self.inner.kept(weights, _scaled(weights, own))


def _scaled(weights, own):
    transform = winograd.transform(weights.shape[0] - winograd.TILE + 1)
    factors = transform.threshold_factors[:, :, None, None]
    factors = ops.convert_to_tensor(factors, weights.dtype)
    return {**own, "threshold": own["threshold"] * factors}
