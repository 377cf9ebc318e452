"""Arrays of groups, `(groups, members)`, as structures make them."""

from __future__ import annotations

from keras import ops


def reduced(reduction, groups):
    """One value for each group; an only member is one.

    Args:
        reduction: Callable of an array and `axis`, such as `ops.mean`.
        groups: Tensor, `(groups, members)`.
    """
    if groups.shape[1] == 1:
        return ops.reshape(groups, (-1,))
    return reduction(groups, axis=1)
