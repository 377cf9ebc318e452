"""own_tensors: weights and constants that a layer's own code computes with.

Class tokens and tables of positions are weights that `call` repeats for each
example. In a graph, each is a tensor that a layer gives: here an `Embedding`
of as many rows, for all of them in each example.
"""

from __future__ import annotations

import contextlib

import keras
import numpy as np
from keras import ops

from tfprune import backend
from tfprune.graph import open_sizes


@contextlib.contextmanager
def symbolic(layer: keras.layers.Layer, inputs: list):
    """Makes what a layer repeats for each example symbolic, while it lasts.

    These are its weights of shape `(1, rows, channels)` and its constants of
    shape `(1, rows)`.

    Args:
        layer: Keras layer whose `call` is going to be run.
        inputs: List of Keras tensors, what it is called on.

    Yields:
        Dict, id of a weight to the variable of an `Embedding` in its place.
    """
    sizes = [open_sizes.Size(x, 0) for x in inputs if x.shape[0] is None]
    own, tables = {}, {}
    for name, value in list(vars(layer).items()) if sizes else ():
        if isinstance(value, keras.Variable) and _is_table(value, 3):
            table = _table(layer, name, value)
            tables[id(value)] = table.embeddings
            own[name] = value, table(_ids(sizes[0], np.arange(value.shape[1])))
        elif backend.is_tensor(value) and _is_table(value, 2):
            own[name] = value, _ids(sizes[0], backend.to_numpy(value)[0])
    for name, (_, instead) in own.items():
        vars(layer)[name] = instead
    try:
        yield tables
    finally:
        for name, (value, _) in own.items():
            vars(layer)[name] = value


def given(value, inputs: list):
    """A constant that a layer gives as a symbolic tensor; others as they are.

    Args:
        value: What a layer's `call` gave.
        inputs: List of Keras tensors, what it was called on.
    """
    if not backend.is_tensor(value):
        return value
    dtype = keras.backend.standardize_dtype(value.dtype)
    zeros = open_sizes.Size(inputs[0], 0).zeros(1, 0, dtype)
    return ops.add(ops.cast(ops.sum(zeros), dtype), value)


def none(layer, inputs):
    """As `symbolic`, but nothing becomes symbolic."""
    return contextlib.nullcontext({})


def _is_table(value, rank):
    return len(value.shape) == rank and value.shape[0] == 1


def _table(layer, name, variable):
    _, rows, channels = variable.shape
    table = keras.layers.Embedding(
        rows, channels, dtype=layer.dtype_policy, name=f"{layer.name}_{name}"
    )
    table.build((None, rows))
    table.embeddings.assign(backend.to_numpy(variable)[0])
    table.trainable = variable.trainable
    return table


def _ids(size, numbers):
    """Numbers for each example: a symbolic tensor, `(batch, numbers)`."""
    zeros = size.zeros(2, 0, "int32")
    return ops.add(zeros, numbers[None].astype("int32"))
