"""Operations that cut tensors, put them in a row, or pad them."""

from __future__ import annotations

import numpy as np

from tfprune.compress.filters import constants
from tfprune.compress.filters.operations import base
from tfprune.compress.filters.operations import moving

# How slices and integers are taken of what is equal along an axis.
_ALL = {slice: slice(None), int: 0}


class GetItem(moving.Rearranging):
    """Slices and integers along the first axes."""

    names = {"GetItem"}

    def unsupported_reason(self, call):
        if any(type(place) not in _ALL for place in _places(call)):
            return "it takes more than slices and integers"
        return super().unsupported_reason(call)

    def couple(self, call, channels):
        sizes = call.inputs[0].shape
        for place, size in zip(_places(call), sizes, strict=False):
            if place != slice(None) and size > 1:
                raise base.Unsupported("it takes channels, by their places")
        return super().couple(call, channels)

    def rearrange(self, call, arrays):
        (array,) = arrays
        places = zip(_places(call), array.shape, strict=False)
        key = [x if size > 1 else _ALL[type(x)] for x, size in places]
        return [array[tuple(key)]]


class Split(moving.Rearranging):
    """Pieces along an axis."""

    names = {"Split"}

    def couple(self, call, channels):
        """Couples the pieces, so that all of them lose the same."""
        labels, operation = call.inputs[0], call.operation
        cut = labels.shape[operation.axis] > 1
        if cut and not isinstance(operation.indices_or_sections, int):
            raise base.Unsupported("it cuts channels at places")
        pieces = super().couple(call, channels)
        for piece in pieces[1:]:
            channels.unite(pieces[0], piece)
        return pieces

    def rearrange(self, call, arrays):
        (array,) = arrays
        sections = call.operation.indices_or_sections
        axis = call.operation.axis
        if array.shape[axis] > 1:
            return np.split(array, sections, axis)
        count = sections if isinstance(sections, int) else len(sections) + 1
        return [array] * count


class Concatenate(moving.Rearranging):
    """Several tensors in a row."""

    names = {"Concatenate"}

    def unsupported_reason(self, call):
        axis = call.operation.axis % len(call.tensors[0].shape)
        if axis == 0 or any(x.shape[axis] is None for x in call.tensors):
            return "it takes a dynamic dimension"
        return super().unsupported_reason(call)

    def rearrange(self, call, arrays):
        axis = call.operation.axis
        common = np.max([array.shape for array in arrays], axis=0)
        full = []
        for array, tensor in zip(arrays, call.tensors, strict=True):
            common[axis] = tensor.shape[axis]
            full.append(np.broadcast_to(array, common))
        return [np.concatenate(full, axis)]


class Pad(base.Operation):
    """Something around what it takes."""

    names = {"Pad"}
    takes_one = True

    def unsupported_reason(self, call):
        if call.kwargs.get("constant_values"):
            return "what it adds is not zero"
        return super().unsupported_reason(call)

    def couple(self, call, channels):
        if self._pads_channels(call, call.inputs[0]):
            raise base.Unsupported("it adds channels")
        return call.inputs

    def propagate(self, call, reads):
        """Zeros around zeros; other modes repeat what is there."""
        (given,) = call.inputs
        if self._pads_channels(call, given.known):
            return super().propagate(call, reads)
        if call.operation.mode != "constant":
            return [given]
        return [constants.zeros(constants.is_zero(given))]

    def _pads_channels(self, call, array):
        width = np.broadcast_to(call.operation.pad_width, (array.ndim, 2))
        padded = width.any(axis=1)
        return any(size > 1 for size in np.array(array.shape)[padded])


def _places(call):
    """What a call of `GetItem` takes along each axis."""
    key = call.args[1]
    return key if isinstance(key, tuple) else (key,)
