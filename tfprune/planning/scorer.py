"""Scorer: the metric of a model with other values in some variables."""

from __future__ import annotations

import typing

import keras
import numpy as np
from keras import ops

from tfprune import backend
from tfprune.utils import validation


class Scorer:
    """Evaluates a model for many rows of numbers, in one graph, traced once.

    A row says, by `substitute`, which values some variables take during a
    forward pass over all examples; the variables themselves are not touched.

    Args:
        model: Keras model, built.
        data: Tuple of arrays `(examples, labels)`, `(n, ...)` and `(n,)`, or
            `(n, classes)` one-hot.
        width: Integer, length of a row.
        substitute: Callable, row to a list of (variable, tensor) and an
            integer tensor of what is to be counted.
        metric: Callable, `(labels, outputs)` to one number for each example,
            greater is better. Defaults to `accuracy`.
        batch_size: Integer, at most n. Defaults to None: all at once.

    Raises:
        ValueError: for data that are not so, or too few for a batch.
    """

    def __init__(
        self,
        model: keras.Model,
        data,
        width: int,
        substitute: typing.Callable,
        metric: typing.Callable | None = None,
        batch_size: int | None = None,
    ):
        examples, labels = _checked(data)
        self.size = len(labels)
        self._batch_size = _batch_size(batch_size, self.size)
        dtype = model.inputs[0].dtype if getattr(model, "inputs", 0) else None
        self._examples = ops.convert_to_tensor(examples, dtype)
        self._labels = ops.convert_to_tensor(labels)
        self._model, self._metric = model, metric or accuracy
        self._substitute = substitute
        self._run = backend.over_rows(self._one, width, ("float32", "int32"))

    def __call__(self, rows) -> tuple[np.ndarray, np.ndarray]:
        """The mean metric and the counts of each row."""
        return tuple(self._run(rows))

    def _one(self, row):
        values, counts = self._substitute(row)
        batches = -(-self.size // self._batch_size)
        with keras.StatelessScope(values):
            if batches == 1:
                total = self._sum(0)
            else:
                total = ops.fori_loop(
                    0, batches, lambda i, sum: sum + self._sum(i), 0.0
                )
        return total / self.size, counts

    def _sum(self, batch):
        begin = batch * self._batch_size
        end = begin + self._batch_size
        outputs = self._model(self._examples[begin:end], training=False)
        scores = self._metric(self._labels[begin:end], outputs)
        return ops.sum(ops.cast(scores, "float32"))


def accuracy(labels, outputs):
    """Whether each example is classified right, as 1 or 0.

    Outputs that are not finite make it NaN, and not a guess.

    Args:
        labels: Integer tensor `(n,)`, or one-hot `(n, classes)`.
        outputs: Float tensor `(n, classes)`.
    """
    if len(labels.shape) == len(outputs.shape) and labels.shape[-1] != 1:
        labels = ops.argmax(labels, axis=-1)
    labels = ops.reshape(ops.cast(labels, "int32"), (-1,))
    right = ops.equal(ops.cast(ops.argmax(outputs, -1), "int32"), labels)
    finite = ops.all(ops.isfinite(outputs), axis=-1)
    return ops.where(finite, ops.cast(right, "float32"), float("nan"))


def _checked(data):
    is_pair = isinstance(data, (tuple, list)) and len(data) == 2
    sizes = [np.shape(array)[:1] for array in data] if is_pair else []
    if not is_pair or sizes[0] != sizes[1] or sizes[0] in ((), (0,)):
        raise ValueError(
            "`data` must be two arrays, (examples, labels), of the same "
            f"number of rows, at least one. Received: {_shapes(data)}"
        )
    return data


def _shapes(data):
    if not isinstance(data, (tuple, list)):
        return f"data of {type(data).__name__}"
    return f"data of shapes {[np.shape(array) for array in data]}"


def _batch_size(batch_size, size):
    if batch_size is None:
        return size
    validation.check_count("batch_size", batch_size, 1)
    fits = batch_size <= size
    expected = f"at most {size}, the examples of `data`: give more, or None"
    validation.check("batch_size", batch_size, fits, expected)
    return batch_size
