"""examples: random input of the form that a model takes."""

from __future__ import annotations

import keras
import numpy as np

_SIZES = (32, 16, 8, 4, 2, 1)


def random(
    model: keras.Model,
    batch_size: int = 2,
    size: int | None = None,
    seed: int = 0,
    shapes: list | None = None,
) -> list[np.ndarray]:
    """Draws an array for each input of a model.

    Floats are normal; integers are 0 and 1, strings "0" and "1".

    Args:
        model: Sequential or Functional model.
        batch_size: Integer, of inputs that leave it open. Defaults to 2.
        size: Integer, in the place of other dimensions that are open.
            Defaults to None: 32, or half of it and so on where that is more
            than the model takes.
        seed: Integer. Defaults to 0.
        shapes: List of tuples, of inputs without batch, in the place of
            `size`. Defaults to None.

    Returns:
        List of arrays, in the order of `model.inputs`.
    """
    if size is None and shapes is None:
        size = greatest(model)
    shapes = shapes or [
        tuple(x or size for x in own.shape[1:]) for own in model.inputs
    ]
    numbers = np.random.default_rng(seed)
    return [
        _drawn((x.shape[0] or batch_size, *shape), x.dtype, numbers)
        for x, shape in zip(model.inputs, shapes, strict=True)
    ]


def call(model: keras.Model, *inputs, training: bool = False):
    """Calls a model on tensors in the order of `model.inputs`.

    Args:
        model: Sequential or Functional model, whatever nest it takes.
        *inputs: Tensors or arrays.
        training: Bool. Defaults to False.

    Returns:
        What the model gives.
    """
    chain = isinstance(model, keras.Sequential)
    structure = model.inputs[0] if chain else model.input
    packed = keras.tree.pack_sequence_as(structure, list(inputs))
    return model(packed, training=training)


def greatest(model: keras.Model) -> int:
    """The greatest size that a model takes in the place of open ones."""
    if not any(None in x.shape[1:] for x in model.inputs):
        return _SIZES[0]
    for size in _SIZES[:-1]:
        try:
            call(model, *random(model, 1, size))
        except Exception:  # Of whatever kind layers raise.
            continue
        return size
    return _SIZES[-1]


def _drawn(shape, dtype, numbers):
    dtype = keras.backend.standardize_dtype(dtype)
    if "float" in dtype:
        return numbers.normal(size=shape).astype(dtype)
    drawn = numbers.integers(0, 2, shape)
    return drawn.astype(str if dtype == "string" else dtype)
