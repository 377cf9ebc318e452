"""constant_propagation: which channels are the same for every input.

A filter of zeros still gives its bias, and a normalization behind it a shift.
What reads such a channel can do without it if it can take in the value: by
nothing at all where that is zero, by its bias where it reads no border.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from tfprune.compress.filters import constants
from tfprune.compress.filters.operations import registry
from tfprune.graph import model_graph


@dataclasses.dataclass(frozen=True)
class Read:
    """What a kernel reads in one call.

    Args:
        known: Bool array, `(inputs,)`: the channel has one value.
        absorbed: Bool array, `(inputs,)`: the layer can do without it.
        value: Float array, `(inputs,)`.
    """

    known: np.ndarray
    absorbed: np.ndarray
    value: np.ndarray


def reads(graph: model_graph.ModelGraph) -> dict[tuple, list[Read]]:
    """Finds what each kernel that reads channels gets of constants.

    Args:
        graph: `ModelGraph` of a Sequential or Functional model.

    Returns:
        Dict, id of a kernel and axis of what it reads to a list of `Read`,
        one for each call.
    """
    found = Reads()
    inputs = [constants.unknown(len(x.shape)) for x in graph.model.inputs]
    step = functools.partial(registry.propagate, reads=found)
    graph.follow(inputs, step)
    return found.calls


class Reads:
    """The constants that kernels read, as `Operation.propagate` finds them.

    Attributes:
        calls: Dict, id of a kernel and axis to a list of `Read`, one for each
            call.
    """

    def __init__(self):
        self.calls = {}

    def add(self, kernel, matrix, known, absorbed, value, groups=1, axis=-2):
        """Records a call; an entry of a kernel serves all groups.

        A channel that all filters multiply with zero is as good as zero.

        Args:
            kernel: Keras variable.
            matrix: Array, `(taps, inputs / groups, filters)`, the kernel.
            known: Bool array, `(inputs,)`: the channel has one value.
            absorbed: Bool array, `(inputs,)`: a bias can stand in for it.
            value: Float array, `(inputs,)`.
            groups: Integer, those of a convolution. Defaults to 1.
            axis: Integer, that of the kernel along which it reads. Defaults to
                -2.
        """
        known, absorbed, value = (
            array.reshape(groups, -1) for array in (known, absorbed, value)
        )
        unread = ~matrix.any(axis=(0, 2))
        read = Read(
            known.all(0) | unread,
            absorbed.all(0) | unread,
            np.where(unread, 0, value[0]),
        )
        key = id(kernel), axis % len(kernel.shape)
        self.calls.setdefault(key, []).append(read)
