"""Watch: what reaches layers of a model while it runs on data."""

from __future__ import annotations

import abc

import keras
import numpy as np

from tfprune.graph import cloning

_BATCH = 64


def run(model: keras.Model, watchers: dict[int, Watcher], data) -> None:
    """Runs a copy of a model in which watchers take the place of layers.

    Args:
        model: Keras model.
        watchers: Dict, id of a layer to its `Watcher`.
        data: Array of examples, or what else `model` takes, along axis 0.

    Raises:
        ValueError: if `data` has no examples.
    """
    watched = cloning.clone(
        model, lambda layer, copied: watchers.get(id(layer), copied)
    )
    arrays = keras.tree.map_structure(np.asarray, data)
    size = len(keras.tree.flatten(arrays)[0])
    if not size:
        raise ValueError("`data` must have examples. Received: none.")
    for begin in range(0, size, _BATCH):
        part = slice(begin, begin + _BATCH)
        batch = keras.tree.map_structure(lambda x, part=part: x[part], arrays)
        watched(batch, training=False)


class Watcher(keras.layers.Layer):
    """Runs a copy of a layer, and notes what it is given."""

    def __init__(self, layer: keras.layers.Layer):
        super().__init__(name=layer.name, dtype=layer.dtype_policy)
        self._layer = cloning.copy(layer)

    @abc.abstractmethod
    def note(self, inputs) -> None:
        """Takes up a batch of inputs."""

    def compute_output_shape(self, input_shape):
        return self._layer.compute_output_shape(input_shape)

    def compute_output_spec(self, inputs):
        return self._layer.compute_output_spec(inputs)

    def call(self, inputs):
        self.note(inputs)
        return self._layer(inputs)
