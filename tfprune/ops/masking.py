"""What pruning does to every weight in every step of training."""

from __future__ import annotations

import keras
import tensorflow as tf

from tfprune import backend
from tfprune.ops import library


def where(mask, one, other):
    """`one` where the mask keeps, `other` elsewhere.

    Args:
        mask: Bool tensor.
        one: Float tensor of the same shape.
        other: Float tensor of the same shape.
    """
    ops = _compiled(one)
    if ops is None:
        return tf.raw_ops.Select(condition=mask, x=one, y=other)
    return ops.tfprune_where(
        mask, one, other, num_threads=library.num_threads()
    )


def select(value, mask):
    """`value` where the mask keeps, and zero elsewhere.

    Args:
        value: Float tensor, or slices of one, which become all of it.
        mask: Bool tensor of the same shape.
    """
    value = tf.convert_to_tensor(value)
    ops = _compiled(value)
    if ops is None:
        zeros = tf.zeros(value.shape, value.dtype)
        return tf.raw_ops.Select(condition=mask, x=value, y=zeros)
    none = tf.zeros([0])
    return ops.tfprune_where(
        mask, value, none, num_threads=library.num_threads()
    )


class NothingLeft:
    """What a step left, where nobody keeps it."""

    def hold(self, shown, hidden) -> None:
        """Remembers tensors that a variable and its hidden one were given."""

    def reveal(self, mask, shown, hidden):
        """As `where`, of a variable's value and a hidden Keras variable."""
        return where(mask, shown, backend.read(hidden))


NOTHING_LEFT = NothingLeft()


class Left(NothingLeft):
    """What a step left in a variable that shows what is masked, and hidden.

    It holds references. An op that writes a variable whose memory somebody else
    refers to takes other memory; so where both are as they were left, nobody
    wrote them, and all that is hidden may come back as it is: not a byte of it
    is read. One that is new has seen nothing. Whoever writes the mask writes
    one of both, too.

    In a graph, `hidden` holds what was shown from `reveal` to the next `hold`:
    what comes back is to be written without a copy, so nothing else may refer
    to it. Eagerly, a step may end anywhere, and nothing is moved.
    """

    def __init__(self):
        self._held = []
        if _compiled(tf.zeros([0])) is not None:
            self._held = [_reference(), _reference()]

    def hold(self, shown, hidden):
        if self._serves(shown):
            pairs = zip(self._held, (shown, hidden), strict=True)
            for reference, value in pairs:
                reference.assign(value)

    def reveal(self, mask, shown, hidden):
        if not self._serves(shown):
            return super().reveal(mask, shown, hidden)
        held = [reference.read_value() for reference in self._held]
        learned = library.load().ops.tfprune_reveal(
            mask,
            shown,
            backend.read(hidden),
            *held,
            num_threads=library.num_threads(),
        )
        self.hold(shown, shown)
        hidden.assign(shown)
        return learned

    def _serves(self, shown):
        is_graph = tf.inside_function() and bool(self._held)
        return is_graph and _compiled(shown) is not None


def _reference():
    # Of a shape that is not known, it takes no memory of its own.
    shape = tf.TensorShape(None)
    return tf.Variable(tf.zeros([0]), trainable=False, shape=shape)


def hysteresis(weights, kept, lower, upper):
    """`abs(weights) > lower` where they are kept, else `> upper`.

    Weights that are not a number change nothing.

    Args:
        weights: Float tensor.
        kept: Bool tensor of the same shape.
        lower: Float32 scalar tensor.
        upper: Float32 scalar tensor, at least `lower`.

    Returns:
        Bool tensor of the same shape.

    Reference:
        Guo, Yao, Chen. Dynamic Network Surgery for Efficient DNNs.
        NIPS 2016.
    """
    ops = _compiled(weights)
    if ops is None:
        size = tf.abs(weights)
        low = keras.ops.less_equal(size, lower)
        high = keras.ops.greater(size, upper)
        return tf.logical_or(tf.logical_and(kept, tf.logical_not(low)), high)
    return ops.tfprune_hysteresis(
        weights, kept, lower, upper, num_threads=library.num_threads()
    )


def shown_hysteresis(weights, kept, lower, upper):
    """As `hysteresis`, and what it shows, in one pass where `is_compiled`.

    Returns:
        Bool tensor, and the weights where it is true, zero elsewhere.
    """
    ops = _compiled(weights)
    if ops is None:
        mask = hysteresis(weights, kept, lower, upper)
        return mask, select(weights, mask)
    return ops.tfprune_shown_hysteresis(
        weights, kept, lower, upper, num_threads=library.num_threads()
    )


def is_compiled(value) -> bool:
    """Whether all that is done here to a value is one pass over it."""
    return _compiled(value) is not None


def _compiled(value):
    """The compiled ops, or None where they cannot serve."""
    if value.dtype != tf.float32 or not backend.runs_compiled_ops():
        return None
    return library.load().ops
