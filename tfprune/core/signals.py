"""Signals: how strongly each weight is moving, for those that ask.

A signal looks at gradients before a step (`observe`) and, with the weights
before and after it, tells one number for each weight.
"""

from __future__ import annotations

from keras import ops

from tfprune.utils import serialization


@serialization.serializable
class Step(serialization.Serializable):
    """How far the optimizer moved a weight: rate, momentum and decay in it."""

    def build(self, unit) -> dict:
        """What to remember of the arrays of a unit."""
        return {}

    def observe(self, state, gradients) -> dict:
        """The state after the gradients (or None) of a unit."""
        return state

    def __call__(self, state, old, new) -> list:
        """One tensor for each array of a unit."""
        return list(map(ops.subtract, new, old))


@serialization.serializable
class Gradient(serialization.Serializable):
    """The gradient, summed over replicas and with the method's own terms."""

    def build(self, unit) -> dict:
        return {_key(i): ops.zeros(x.shape) for i, x in enumerate(unit)}

    def observe(self, state, gradients) -> dict:
        pairs = zip(state.items(), gradients, strict=True)
        return {
            key: ops.zeros_like(old)
            if gradient is None
            else ops.cast(gradient, old.dtype)
            for (key, old), gradient in pairs
        }

    def __call__(self, state, old, new) -> list:
        return [state[_key(i)] for i in range(len(new))]


def _key(index):
    return f"gradient_{index}"
