"""Operations that cut tensors, put them in a row, or pad them."""

from __future__ import annotations

import numpy as np

from tfprune.compress.filters import constants
from tfprune.compress.filters.operations import base
from tfprune.compress.filters.operations import moving

_NOTHING = "nothing is taken of them"
_WHOLE = (slice(None), slice(None, None, -1))


class GetItem(moving.Rearranging):
    """Slices, integers and new axes."""

    names = {"GetItem"}
    argument = 1

    def unsupported_reason(self, call):
        if any(type(x) not in (slice, int, type(None)) for x in self.key(call)):
            return "it takes more than slices and integers"
        return super().unsupported_reason(call)

    def key(self, call) -> tuple:
        """What a call takes along each axis, and None for new ones."""
        key = call.args[self.argument]
        key = key if isinstance(key, tuple) else (key,)
        taken = sum(x is not None and x is not ... for x in key)
        at = next((i for i, x in enumerate(key) if x is ...), len(key))
        left = len(call.tensors[0].shape) - taken
        return key[:at] + (slice(None),) * left + key[at + 1 :]

    def couple(self, call, channels):
        labels = call.inputs[0]
        if slice(0) in self.key(call):
            return [channels.fixed(len(call.shapes[0]), _NOTHING)]
        for place, size in zip(_old(self.key(call)), labels.shape, strict=True):
            if size > 1 and place not in _WHOLE:
                self._cut(call, channels, place)
        return super().couple(call, channels)

    def propagate(self, call, reads):
        if slice(0) in self.key(call):
            return [constants.unknown(len(call.shapes[0]))]
        return super().propagate(call, reads)

    def rearrange(self, call, arrays):
        (array,) = arrays
        sizes = iter(array.shape)
        key = [
            x if x is None else _within(x, next(sizes)) for x in self.key(call)
        ]
        return [array[tuple(key)]]

    def recall(self, call, stays):
        """The places of what stays."""
        sizes = iter(range(stays.ndim))
        return {
            self.argument: tuple(
                x if x is None else _moved(x, stays, next(sizes))
                for x in self.key(call)
            )
        }

    def _cut(self, call, channels, place):
        labels = call.inputs[0].ravel()
        if isinstance(place, int):
            reason = f"{call.where} ({call.kind}): it takes this channel alone"
            channels.fix(labels[place], reason)
        elif place.step not in (None, 1):
            raise base.Unsupported("it takes every n-th channel")
        else:
            channels.part(labels[place])
        channels.size(call, call.inputs[0])


class Take(moving.Rearranging):
    """Entries of one axis, by their places."""

    names = {"Take"}
    takes_one = True

    def couple(self, call, channels):
        labels, axis = call.inputs[0], call.operation.axis
        if axis is None or labels.shape[axis] > 1:
            raise base.Unsupported("it takes channels, by their places")
        return super().couple(call, channels)

    def rearrange(self, call, arrays):
        (array,) = arrays
        axis, rank = call.operation.axis, np.ndim(call.args[1])
        if axis is None or array.shape[axis] > 1:
            raise base.Unsupported("it takes channels, by their places")
        return [np.take(array, np.zeros([1] * rank, int), axis)]


class Split(moving.Rearranging):
    """Pieces along an axis."""

    names = {"ArraySplit", "Dsplit", "Hsplit", "Split", "Vsplit"}

    def couple(self, call, channels):
        pieces, labels = super().couple(call, channels), call.inputs[0]
        if labels.shape[self._axis(call)] > 1:
            for piece in pieces:
                channels.part(piece)
            channels.size(call, labels)
        return pieces

    def rearrange(self, call, arrays):
        (array,), axis = arrays, self._axis(call)
        if array.shape[axis] > 1:
            return np.split(array, self._places(call), axis)
        return [array] * len(call.shapes)

    def rebuild(self, call, stays):
        pieces = np.split(stays.ravel(), self._places(call))
        places = np.cumsum([piece.sum() for piece in pieces])
        return {"indices_or_sections": tuple(map(int, places[:-1]))}

    def _places(self, call):
        """Where it cuts, whether that was given in places or pieces."""
        sections = call.operation.indices_or_sections
        if not isinstance(sections, int):
            return list(sections)
        size = call.tensors[0].shape[self._axis(call)]
        sizes = map(len, np.array_split(range(size), sections))
        return np.cumsum(list(sizes))[:-1]

    def _axis(self, call):
        own = {"Vsplit": 0, "Hsplit": 1, "Dsplit": 2}
        axis = own.get(call.kind)
        return call.operation.axis if axis is None else axis


class Unstack(moving.Rearranging):
    """The entries along an axis, each a tensor."""

    names = {"Unstack"}

    def couple(self, call, channels):
        if call.inputs[0].shape[call.operation.axis] > 1:
            raise base.Unsupported("it takes single channels")
        return super().couple(call, channels)

    def rearrange(self, call, arrays):
        (array,), axis = arrays, call.operation.axis
        return [array.take(0, axis)] * len(call.shapes)


class Concatenate(moving.Rearranging):
    """Several tensors in a row."""

    names = {"Append", "Concatenate", "Hstack", "Vstack", "Dstack"}

    def unsupported_reason(self, call):
        axis = self._axis(call)
        if axis == 0 or any(x.shape[axis] is None for x in call.tensors):
            return "it takes a dynamic dimension"
        return super().unsupported_reason(call)

    def rearrange(self, call, arrays):
        axis = self._axis(call)
        common = np.max([array.shape for array in arrays], axis=0)
        full = []
        for array, tensor in zip(arrays, call.tensors, strict=True):
            common[axis] = tensor.shape[axis]
            full.append(np.broadcast_to(array, common))
        return [np.concatenate(full, axis)]

    def _axis(self, call):
        own = {"Vstack": 0, "Hstack": 1, "Dstack": 2}
        axis = own.get(call.kind, getattr(call.operation, "axis", 0))
        # Of `Append`, where it makes all that it takes flat.
        return 0 if axis is None else axis % len(call.tensors[0].shape)


class Gated(base.Operation):
    """One half, times a function of the other."""

    names = {"Glu"}

    def couple(self, call, channels):
        labels, axis = call.inputs[0], call.operation.axis
        if labels.shape[axis] == 1:
            return [labels]
        one, gate = np.split(labels, 2, axis)
        channels.unite(one, gate)
        return [one]

    def propagate(self, call, reads):
        """It is zero where the first half is."""
        zero, axis = constants.is_zero(call.inputs[0]), call.operation.axis
        halves = np.split(zero, 2, axis) if zero.shape[axis] > 1 else [zero]
        return [constants.zeros(halves[0])]


class Pad(base.Operation):
    """Something around what it takes."""

    names = {"Pad"}
    takes_one = True

    def unsupported_reason(self, call):
        if call.kwargs.get("constant_values"):
            return "what it adds is not zero"
        return super().unsupported_reason(call)

    def couple(self, call, channels):
        (labels,) = call.inputs
        for axis, width in self._padded_channels(call, labels):
            if call.operation.mode != "constant":
                raise base.Unsupported("it repeats channels")
            reason = f"{call.where} ({call.kind}): zeros stand there"
            ends = [channels.fixed(labels.ndim, reason) for _ in width]
            labels = _between(labels, axis, ends, width)
        return [labels]

    def propagate(self, call, reads):
        """Zeros around zeros; other modes repeat what is there."""
        (given,) = call.inputs
        if call.operation.mode != "constant":
            if self._padded_channels(call, given.known):
                return super().propagate(call, reads)
            return [given]
        zero = constants.is_zero(given)
        ends = [np.ones([1] * zero.ndim, bool)] * 2
        for axis, width in self._padded_channels(call, zero):
            zero = _between(zero, axis, ends, width)
        return [constants.zeros(zero)]

    def _padded_channels(self, call, array):
        """Pairs: an axis along which entries differ, and how much it grows."""
        width = np.broadcast_to(call.operation.pad_width, (array.ndim, 2))
        return [
            (axis, tuple(own))
            for axis, own in enumerate(width)
            if array.shape[axis] > 1 and any(own)
        ]


def _between(array, axis, ends, width):
    """An array between two entries, each as often as it says."""
    shape = list(array.shape)
    filled = []
    for end, count in zip(ends, width, strict=True):
        shape[axis] = count
        filled.append(np.broadcast_to(end, shape))
    return np.concatenate([filled[0], array, filled[1]], axis)


def _old(key):
    """What is taken of the axes that there are."""
    return [x for x in key if x is not None]


def _within(place, size):
    """A place along an axis, where all entries may be equal."""
    if size > 1:
        return place
    return 0 if isinstance(place, int) else slice(None)


def _moved(place, stays, axis):
    """A place, counted in what stays along an axis."""
    size = stays.shape[axis]
    if size == 1 or place in _WHOLE:
        return place
    stays = stays.ravel()
    if isinstance(place, int):
        return int(stays[: place % size].sum())
    start, stop, _ = place.indices(size)
    begin = int(stays[:start].sum())
    return slice(begin, begin + int(stays[start:stop].sum()))
