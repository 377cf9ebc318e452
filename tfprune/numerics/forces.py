"""Forces: filters pull each other, so that they become fewer in kind.

With filters `W_i` and directions `w_i = W_i / ||W_i||`:

    pull_i  = sum_j factor(||w_j - w_i||) * (w_j - w_i)
    force_i = ||W_i|| * (pull_i - (pull_i . w_i) w_i)

The force is tangential, so that norms stay, to first order. A multiple of
`w_i` in the pull vanishes under that projection, so `w_j` stands for
`w_j - w_i` in one product of matrices: `O(N K + N^2)` memory for N filters of
K entries.
"""

from __future__ import annotations

import typing

from keras import ops

from tfprune.utils import validation

_SMALL = 1e-4  # A filter of at most this norm neither pulls nor is pulled.
# Filters that are at most this near do not pull each other: distances come
# from cosines, which have no more digits in float32.
_NEAR = 1e-3


def constant(directions):
    """Of length 1 at any distance: the L1-norm force of the paper."""
    return _pull(directions, lambda squares: ops.rsqrt(squares))


def degradation(directions):
    """As long as the distance: the L2-norm force, which weakens by itself."""
    total = ops.sum(directions, axis=0, keepdims=True)
    return ops.broadcast_to(total, ops.shape(directions))


def linear(directions):
    """As long as 1 / distance."""
    return _pull(directions, lambda squares: 1.0 / squares)


def gravity(directions):
    """As long as 1 / distance^2."""
    return _pull(directions, lambda squares: squares**-1.5)


FORCES = {
    "constant": constant,
    "degradation": degradation,
    "gravity": gravity,
    "linear": linear,
}


def get(name: str) -> typing.Callable:
    """The force of that name.

    Raises:
        ValueError: for an unknown one.
    """
    if name not in FORCES:
        raise ValueError(validation.unknown("force_type", name, FORCES))
    return FORCES[name]


def force(filters, name: str = "degradation"):
    """The place that each filter is pulled to.

    Args:
        filters: Float tensor `(N, K)`, one filter in each row.
        name: A key of `FORCES`. Defaults to `"degradation"`.

    Returns:
        Float tensor `(N, K)`, each row orthogonal to its filter.

    Reference:
        Wen et al. Coordinating Filters for Faster Deep Neural Networks. ICCV
        2017.
    """
    norms = ops.sqrt(ops.sum(ops.square(filters), axis=1, keepdims=True))
    norms = ops.where(norms > _SMALL, norms, 0.0)
    directions = ops.divide_no_nan(filters, norms)
    pull = get(name)(directions)
    along = ops.sum(pull * directions, axis=1, keepdims=True)
    return norms * (pull - along * directions)


def of_kernel(kernel, name: str = "degradation", groups: int = 1):
    """The force on a kernel, whose last axis counts the filters.

    Args:
        kernel: Float tensor of two axes or more.
        name: A key of `FORCES`. Defaults to `"degradation"`.
        groups: Integer. The filters of a grouped convolution see other
            channels in each group: only those of a group pull each other.
            Defaults to 1.
    """
    rows = ops.transpose(ops.reshape(kernel, (-1, kernel.shape[-1])))
    parts = ops.split(rows, groups) if groups > 1 else [rows]
    moved = ops.concatenate([force(part, name) for part in parts])
    return ops.reshape(ops.transpose(moved), kernel.shape)


def _pull(directions, factor):
    """The sum of directions, weighted by squares of distances."""
    cosines = ops.matmul(directions, ops.transpose(directions))
    # Rounding, coarse on GPUs, must not part a filter from itself.
    others = 1.0 - ops.eye(cosines.shape[0], dtype=cosines.dtype)
    squares = (2.0 - 2.0 * cosines) * others
    apart = squares > _NEAR**2
    weights = ops.where(apart, factor(ops.where(apart, squares, 1.0)), 0.0)
    return ops.matmul(weights, directions)
