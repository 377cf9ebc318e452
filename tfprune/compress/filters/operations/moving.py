"""Operations that move entries to other places, and change nothing else."""

from __future__ import annotations

import numpy as np

from tfprune.compress.filters import constants
from tfprune.compress.filters.operations import base
from tfprune.compress.filters.operations import elementwise


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
        *("ExpandDims", "Flatten", "Moveaxis", "Permute", "Repeat"),
        *("RepeatVector", "Squeeze", "Swapaxes", "Tile", "Transpose"),
    }
    takes_one = True

    def unsupported_reason(self, call):
        if None in call.tensors[0].shape[1:]:
            return "it takes a dynamic dimension"
        return super().unsupported_reason(call)

    def rearrange(self, call, arrays):
        full = [
            np.broadcast_to(array, [tensor.shape[0] or 2, *tensor.shape[1:]])
            for array, tensor in zip(arrays, call.tensors, strict=True)
        ]
        return elementwise.run(call, full)

    def couple(self, call, channels):
        moved = super().couple(call, channels)
        if [x.shape[1:] for x in moved] != [x[1:] for x in call.shapes]:
            raise base.Unsupported("it moves data between examples")
        moved = [channels.along_one_axis(labels) for labels in moved]
        if any(labels.shape[0] > 1 for labels in moved):
            raise base.Unsupported("it moves data between examples")
        return moved


class Reshape(Moving):
    """Its config holds the shape of what it gives."""

    names = {"Reshape"}

    def couple(self, call, channels):
        (moved,) = super().couple(call, channels)
        return [channels.size(call, moved)]

    def rebuild(self, operation, sizes, kept):
        config = operation.get_config()
        if "target_shape" in config:  # The layer has no batch in it.
            shape = _resized(config["target_shape"], sizes[1:], kept)
            return {"target_shape": shape}
        return {"newshape": _resized(config["newshape"], sizes, kept)}


class Input(base.Operation):
    """Where a model begins, a nested one too."""

    names = {"InputLayer"}

    def couple(self, call, channels):
        return [channels.size(call, call.inputs[0])]

    def propagate(self, call, reads):
        return call.inputs

    def rebuild(self, operation, sizes, kept):
        shape = operation.get_config()["batch_shape"]
        return {"batch_shape": _resized(shape, sizes, kept)}


def _resized(shape, sizes, kept):
    return tuple(
        kept if size > 1 and old != -1 else old
        for old, size in zip(shape, sizes, strict=True)
    )
