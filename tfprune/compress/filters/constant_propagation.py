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
    return _read(graph).calls


def _read(graph):
    found = Reads()
    inputs = [constants.unknown(len(x.shape)) for x in graph.model.inputs]
    step = functools.partial(registry.propagate, reads=found)
    graph.follow(inputs, step)
    return found


def idle(graph: model_graph.ModelGraph) -> dict[int, int]:
    """Finds additions of which all but one side are always zero.

    Args:
        graph: `ModelGraph` of a Sequential or Functional model.

    Returns:
        Dict, id of an operation to the number of the tensor that it gives.
    """
    found = _read(graph).sums
    return {key: place for key, place in found.items() if place is not None}


class Reads:
    """The constants that kernels read, as `Operation.propagate` finds them.

    Attributes:
        calls: Dict, id of a kernel and axis to a list of `Read`, one for each
            call.
        sums: Dict, id of an addition to the number of the tensor that it gives
            in all calls; None where it gives none of those that it takes.
    """

    def __init__(self):
        self.calls, self.sums = {}, {}

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

    def add_sum(self, call):
        """Records an addition."""
        left = [
            place
            for place, given in enumerate(call.inputs)
            if not constants.is_zero(given).all()
        ]
        place = left[0] if len(left) == 1 else None
        if place is not None and not _gives(call, place):
            place = None
        key = id(call.operation)
        same = self.sums.setdefault(key, place) == place
        self.sums[key] = place if same else None


def _gives(call, place):
    """Whether one of the tensors of a call is as large as what it gives."""
    tensor, others = call.tensors[place], call.tensors
    alike = {x.dtype for x in others} == {tensor.dtype}
    return alike and tensor.shape == call.shapes[0] and len(others) > 1
