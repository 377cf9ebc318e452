"""recalibrate: statistics of BatchNormalization layers, measured anew."""

from __future__ import annotations

import contextlib

import keras
import numpy as np

from tfprune import backend
from tfprune.graph import traversal
from tfprune.utils import validation


def recalibrate(model: keras.Model, data, batch_size: int = 128) -> keras.Model:
    """Measures the means and variances of BatchNormalization layers, in place.

    Pruning changes what normalizations get, while their moving statistics
    are still those of the dense model. Each becomes the mean and the variance
    over all of the data, as it passes through a model that normalizes by batch,
    as in training. Nothing else of the model changes.

    Args:
        model: Keras model, pruned or not, of any kind. Layers that are not
            trainable keep their statistics.
        data: Array of examples, or an iterable of batches of them, or of
            tuples that begin with them: training data, a few thousand.
        batch_size: Integer, for an array. Defaults to 128.

    Returns:
        The same model.

    Raises:
        ValueError: if the model has no such layers, or there is no data.

    Example:

    ```python
    model = tfprune.remove_filters(tfprune.strip(model)).model
    tfprune.recalibrate(model, x_train[:5000])
    ```
    """
    validation.check_count("batch_size", batch_size, least=1)
    layers = [layer for layer in normalizations(model) if layer.trainable]
    if not layers:
        raise ValueError(
            "`model` must have trainable BatchNormalization layers. Received: "
            f"model={model.name!r}, which has none: there is nothing to do."
        )
    totals = [_Total() for _ in layers]
    with _measuring(model, layers):
        for batch in _batches(data, batch_size):
            model(batch, training=True)
            size = keras.tree.flatten(batch)[0].shape[0]
            for layer, total in zip(layers, totals, strict=True):
                total.add(layer, size)
    if not totals[0].count:
        raise ValueError("`data` must have examples. Received: none.")
    for layer, total in zip(layers, totals, strict=True):
        total.write(layer)
    return model


def normalizations(model) -> list[keras.layers.BatchNormalization]:
    """The BatchNormalization layers of any model, built ones."""
    return [
        layer
        for layer in traversal.walk(model)
        if isinstance(layer, keras.layers.BatchNormalization) and layer.built
    ]


def untrained(model) -> str:
    """A note on normalizations without statistics, or ""."""
    names = [x.name for x in normalizations(model) if _is_new(x)]
    if not names:
        return ""
    return (
        "BatchNormalization layers were never trained, and normalize nothing: "
        f"{', '.join(names)}. Train the model, or call tfprune.recalibrate on "
        "training data"
    )


class _Total:
    """Sums of what a layer saw, over batches."""

    def __init__(self):
        self.count, self._mean, self._square = 0, 0.0, 0.0

    def add(self, layer, size):
        mean = backend.to_numpy(layer.moving_mean).astype("float64")
        variance = backend.to_numpy(layer.moving_variance).astype("float64")
        self.count += size
        self._mean += size * mean
        self._square += size * (variance + mean**2)

    def write(self, layer):
        mean = self._mean / self.count
        layer.moving_mean.assign(mean)
        layer.moving_variance.assign(self._square / self.count - mean**2)


@contextlib.contextmanager
def _measuring(model, layers):
    """Makes statistics those of the last batch; leaves all as it was."""
    momenta = [layer.momentum for layer in layers]
    state = [(x, backend.to_numpy(x)) for x in backend.state(model)]
    try:
        for layer in layers:
            layer.momentum = 0.0
            # What is not finite would stay so.
            layer.moving_mean.assign(np.zeros(layer.moving_mean.shape))
            layer.moving_variance.assign(np.ones(layer.moving_variance.shape))
        yield
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
        for variable, value in state:
            variable.assign(value)


def _batches(data, batch_size):
    if not hasattr(data, "shape"):
        for batch in data:
            yield batch[0] if isinstance(batch, tuple) else batch
        return
    for begin in range(0, len(data), batch_size):
        yield data[begin : begin + batch_size]


def _is_new(layer):
    mean, variance = layer.moving_mean, layer.moving_variance
    return not np.any(backend.to_numpy(mean)) and np.all(
        backend.to_numpy(variance) == 1
    )
