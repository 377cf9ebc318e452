"""Operations that move entries to other places, and change nothing else."""

from __future__ import annotations

import numpy as np

from tfprune.compress.filters import constants
from tfprune.compress.filters.operations import base
from tfprune.compress.filters.operations import elementwise

_DYNAMIC = 2  # In place of a dimension that is not known.


class Rearranging(base.Operation):
    """Each entry of the output is one of the inputs'."""

    def rearrange(self, call, arrays: list) -> list:
        """Some arrays as the operation rearranges what is in them.

        Args:
            call: `calls.Call`.
            arrays: List of arrays, for each tensor that the call takes, of
                size 1 along axes where all entries are equal.
        """
        raise NotImplementedError

    def couple(self, call, channels):
        return self.rearrange(call, call.inputs)

    def propagate(self, call, reads):
        known = self.rearrange(call, [x.known for x in call.inputs])
        value = self.rearrange(call, [x.value for x in call.inputs])
        pairs = zip(known, value, strict=True)
        return [constants.squeezed(*pair) for pair in pairs]


class Moving(Rearranging):
    """Channels are moved by the operation itself."""

    names = {
        *("DepthToSpace", "ExpandDims", "Flatten", "Flip", "Fliplr", "Flipud"),
        *("Moveaxis", "Permute", "Ravel", "Rearrange", "Repeat"),
        *("RepeatVector", "Rot90", "SpaceToDepth", "Squeeze", "Stack"),
        *("Swapaxes", "Tile", "Transpose"),
    }

    def unsupported_reason(self, call):
        if call.kind == "Rearrange" and call.kwargs:
            return "its pattern is given sizes"
        return super().unsupported_reason(call)

    def rearrange(self, call, arrays):
        full = [
            np.broadcast_to(array, [size or _DYNAMIC for size in tensor.shape])
            for array, tensor in zip(arrays, call.tensors, strict=True)
        ]
        try:
            return elementwise.run(call, full)
        except Exception as error:  # Of whatever kind the operation raises.
            if any(None in tensor.shape[1:] for tensor in call.tensors):
                raise base.Unsupported(
                    "it takes a dynamic dimension"
                ) from error
            raise

    def couple(self, call, channels):
        moved = super().couple(call, channels)
        pairs = zip(moved, call.shapes, strict=True)
        if any(_differ(x.shape[1:], shape[1:]) for x, shape in pairs):
            raise base.Unsupported("it moves data between examples")
        moved = [channels.along_one_axis(labels) for labels in moved]
        if any(labels.shape[0] > 1 for labels in moved):
            raise base.Unsupported("it moves data between examples")
        pairs = zip(moved, call.shapes, strict=True)
        if any(_lies_along_dynamic(*pair) for pair in pairs):
            raise base.Unsupported("it moves channels to a dynamic dimension")
        return moved

    def propagate(self, call, reads):
        found = super().propagate(call, reads)
        return [
            constants.unknown(x.known.ndim)
            if _lies_along_dynamic(x.known, shape)
            else x
            for x, shape in zip(found, call.shapes, strict=True)
        ]


class Roll(Moving):
    """Entries along some axes; channels would not come back to their places."""

    names = {"Roll"}

    def couple(self, call, channels):
        labels, axes = call.inputs[0], call.operation.axis
        axes = range(labels.ndim) if axes is None else np.atleast_1d(axes)
        if any(labels.shape[axis] > 1 for axis in axes):
            raise base.Unsupported("it rolls channels")
        return super().couple(call, channels)


class Reshape(Moving):
    """Its config holds the shape of what it gives."""

    names = {"Reshape"}

    def couple(self, call, channels):
        (moved,) = super().couple(call, channels)
        return [channels.size(call, moved)]

    def rebuild(self, call, stays):
        config = call.operation.get_config()
        if "target_shape" in config:  # The layer has no batch in it.
            stays = stays[0]
        name = "target_shape" if "target_shape" in config else "newshape"
        return {name: _resized(config[name], stays)}


class Input(base.Operation):
    """Where a model begins, a nested one too."""

    names = {"InputLayer"}

    def couple(self, call, channels):
        return [channels.size(call, call.inputs[0])]

    def propagate(self, call, reads):
        return call.inputs

    def rebuild(self, call, stays):
        shape = call.operation.get_config()["batch_shape"]
        return {"batch_shape": _resized(shape, stays)}


def _resized(shape, stays):
    kept = int(stays.sum())
    return tuple(
        kept if size > 1 and old != -1 else old
        for old, size in zip(shape, stays.shape, strict=True)
    )


def _differ(sizes, shape):
    """Tells whether sizes are not those of a shape, where that has some."""
    if len(sizes) != len(shape):
        return True
    pairs = zip(sizes, shape, strict=True)
    return any(size != known for size, known in pairs if known is not None)


def _lies_along_dynamic(array, shape):
    """Tells whether entries differ along a dimension that is not known."""
    pairs = zip(array.shape, shape, strict=True)
    return any(size > 1 and known is None for size, known in pairs)
