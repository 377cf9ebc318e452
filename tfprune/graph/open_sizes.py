"""open_sizes: sizes that are open, of what is called on symbolic tensors.

A layer's own code asks `keras.ops.shape` for a batch size or a length, and
makes ranges, masks and shapes of them. Of symbolic tensors such a size is None,
of which nothing can be made. Here it is a `Size`, and `keras.ops` makes the
same of the tensor that has it.
"""

from __future__ import annotations

import contextlib

import keras
from keras import ops

from tfprune import backend


class Size:
    """The size of a symbolic tensor along an axis that is open.

    Args:
        tensor: Keras tensor.
        axis: Integer.
    """

    def __init__(self, tensor, axis):
        self.tensor, self.axis = tensor, axis

    def zeros(self, rank: int, axis: int, dtype):
        """Zeros of this size along an axis, and of size 1 along the others."""
        shape = self.tensor.shape
        # Nothing of the axes that are known: their sizes do not matter.
        key = tuple(slice(None if size is None else 0) for size in shape)
        others = [i for i in range(len(shape)) if i != self.axis]
        zeros = ops.sum(ops.zeros_like(self.tensor[key], dtype), axis=others)
        zeros = ops.cast(zeros, dtype)
        for place in range(rank):
            if place != axis:
                zeros = ops.expand_dims(zeros, place)
        return zeros


@contextlib.contextmanager
def known():
    """Lets `keras.ops` tell and take sizes that are open, as long as it lasts.

    Not for several threads: it changes the modules.
    """
    own = [
        (module, name, getattr(module, name))
        for module in backend.operations()
        for name in _INSTEAD
    ]
    for module, name, function in own:
        setattr(module, name, _either(function, _INSTEAD[name]))
    try:
        yield
    finally:
        for module, name, function in own:
            setattr(module, name, function)


def _either(function, instead):
    """A function that is called unless a size is open."""

    def call(*args, **kwargs):
        leaves = keras.tree.flatten((args, kwargs))
        if any(isinstance(x, Size) for x in leaves):
            return instead(*args, **kwargs)
        found = function(*args, **kwargs)
        if function is _SHAPE and isinstance(args[0], keras.KerasTensor):
            pairs = enumerate(found)
            return tuple(Size(args[0], i) if x is None else x for i, x in pairs)
        return found

    return call


def _arange(start, stop=None, step=None, dtype=None):
    size = start if stop is None else stop
    if step not in (None, 1) or not (stop is None or start == 0):
        raise TypeError("a range of an open size must count from 0 by 1")
    dtype = dtype or "int32"
    return ops.cumsum(size.zeros(1, 0, dtype) + 1) - 1


def _broadcast_to(x, shape):
    rank = len(shape)
    for _ in range(rank - len(x.shape)):
        x = ops.expand_dims(x, 0)
    for axis, (old, new) in enumerate(zip(x.shape, shape, strict=True)):
        if isinstance(new, Size) and old == 1:
            dtype = keras.backend.standardize_dtype(x.dtype)
            # Not `add`, which takes a row of as many as there are for a bias.
            merge = ops.logical_or if dtype == "bool" else ops.subtract
            x = merge(x, new.zeros(rank, axis, dtype))
        elif old == 1 and new != 1:
            x = ops.repeat(x, new, axis)
    return x


def _zeros(shape, dtype=None):
    known = [1 if isinstance(size, Size) else size for size in shape]
    return _broadcast_to(ops.zeros(known, dtype), shape)


def _ones(shape, dtype=None):
    zeros = _zeros(shape, dtype)
    is_bool = keras.backend.standardize_dtype(zeros.dtype) == "bool"
    return ops.logical_not(zeros) if is_bool else zeros + 1


def _reshape(x, newshape):
    sizes = tuple(-1 if isinstance(size, Size) else size for size in newshape)
    if sizes.count(-1) == 1:
        return ops.reshape(x, sizes)
    if sizes[0] != -1:
        raise TypeError("the batch must stay the first dimension")
    return keras.layers.Reshape(sizes[1:])(x)


def _tile(x, repeats):
    # What is there for each example needs no repeating.
    if x.shape[0] is not None or set(repeats[1:]) != {1}:
        raise TypeError("only what each example has may be repeated for it")
    return x


def _shape(x):
    raise TypeError("a size has no shape")


_SHAPE = ops.shape
_INSTEAD = {
    "arange": _arange,
    "broadcast_to": _broadcast_to,
    "ones": _ones,
    "reshape": _reshape,
    "shape": _shape,
    "tile": _tile,
    "zeros": _zeros,
}
