"""Selection: which groups stay, given scores, a budget and the old mask."""

from __future__ import annotations

from keras import ops

from tfprune.utils import serialization
from tfprune.utils import validation


@serialization.serializable
class TopK(serialization.Serializable):
    """The `budget` groups with the highest scores; ties by position.

    Args:
        row: Integer or None: groups compete within consecutive rows of this
            many, and the budget is for each row. Defaults to None: all
            groups of the unit compete.
    """

    row: int | None = None

    def __call__(self, scores, budget, kept):
        if self.row is None:
            return self.top_k(scores, budget)
        rows = self.top_k(ops.reshape(scores, (-1, self.row)), budget)
        return ops.reshape(rows, (-1,))

    def top_k(self, scores, budget):
        """As `selection.top_k`."""
        return top_k(scores, budget)


@serialization.serializable
class Threshold(serialization.Serializable):
    """The groups whose score is at least the budget, a threshold."""

    def __call__(self, scores, budget, kept):
        return ops.greater_equal(scores, budget)


@serialization.serializable
class Hysteresis(serialization.Serializable):
    """Prunes at a lower threshold than it restores.

    With the budget as threshold t: kept groups go where score <= lower * t,
    pruned ones return where score > upper * t, the others stay as they are.

    Args:
        lower: Float. Defaults to 0.9.
        upper: Float >= lower. Defaults to 1.1.

    Reference:
        Guo, Yao, Chen. Dynamic Network Surgery for Efficient DNNs.
        NIPS 2016.
    """

    lower: float = 0.9
    upper: float = 1.1

    def __post_init__(self):
        ordered = 0 <= self.lower <= self.upper
        validation.check(
            "lower", self.lower, ordered, f"in [0, upper={self.upper}]"
        )

    def __call__(self, scores, budget, kept):
        return self.within(scores, kept, *self.limits(budget))

    def limits(self, budget):
        """What kept groups stay above, and what pruned ones return above."""
        return self.lower * budget, self.upper * budget

    def within(self, scores, kept, lower, upper):
        """Decides by limits, as `limits` gives them.

        Scores that are not a number change nothing.
        """
        # Limits are float32, scores as wide as their weights.
        low = ops.less_equal(scores, lower)
        stay = ops.logical_and(kept, ops.logical_not(low))
        return ops.logical_or(stay, ops.greater(scores, upper))

    def by_magnitude(self, weights, kept, lower, upper):
        """As `within`, of the magnitudes of weights."""
        return self.within(ops.abs(weights), kept, lower, upper)


def top_k(scores, k):
    """Marks exactly the `k` highest scores of each row.

    A sort of every weight costs several times more than bisecting on the
    threshold, which also needs no shape that depends on `k`.

    Args:
        scores: Float tensor, `(..., n)`, finite.
        k: Integer scalar tensor, 0 <= k <= n.

    Returns:
        Bool tensor of the same shape.
    """
    scores = ops.convert_to_tensor(scores)
    if 0 in scores.shape:
        return ops.zeros_like(scores, dtype="bool")
    low = ops.min(scores, axis=-1, keepdims=True)
    high = ops.max(scores, axis=-1, keepdims=True)
    k = ops.zeros_like(low, dtype="int32") + ops.cast(k, "int32")
    limit = _bisect(lambda middle: _count(scores > middle), low, high, k)
    above, ties = scores > limit, ops.equal(scores, limit)
    return ops.logical_or(above, _first(ties, k - _count(above)))


def _first(marked, k):
    """Keeps the first `k` marks of each row."""
    n = ops.shape(marked)[-1]
    index = ops.arange(n, dtype="int32")
    order = ops.where(marked, -index, -n)
    low = ops.zeros_like(k) - n
    limit = _bisect(lambda middle: _count(order > middle), low, low + n + 1, k)
    return order > limit


def _bisect(count_above, low, high, k):
    """The least limit, of those seen, with at most `k` above it.

    Halves until exactly `k` are above or no number is left in between.
    """

    def unsettled(low, high):
        middle = _middle(low, high)
        return ops.any(ops.logical_and(low < middle, middle < high))

    def halve(low, high):
        middle = _middle(low, high)
        above = count_above(middle)
        return (
            ops.where(above >= k, middle, low),
            ops.where(above <= k, middle, high),
        )

    high = ops.where(count_above(low) <= k, low, high)
    return ops.while_loop(unsettled, halve, (low, high))[1]


def _middle(low, high):
    if "int" in low.dtype.name:
        return low + (high - low) // 2
    return 0.5 * low + 0.5 * high  # the difference could overflow


def _count(marked):
    return ops.sum(ops.cast(marked, "int32"), axis=-1, keepdims=True)
