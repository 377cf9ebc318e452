"""Responses: what the filters of layers answer on data."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
from keras import ops

from tfprune.compress import candidates
from tfprune.compress import graph
from tfprune.compress import traverse
from tfprune.core import decompositions

_BATCH = 64


def measured(
    model: keras.Model, found: list[candidates.Candidate], data
) -> list[candidates.Candidate]:
    """Returns the candidates, each with its responses on data.

    Args:
        model: Keras model.
        found: List of `Candidate`.
        data: Array of examples, or what else `model` takes, along axis 0.
    """
    watchers = {id(x.layer): _Watcher(x.layer) for x in found}
    watched = traverse.clone(
        model, lambda layer, twin: watchers.get(id(layer), twin)
    )
    arrays = keras.tree.map_structure(np.asarray, data)
    size = len(keras.tree.flatten(arrays)[0])
    for begin in range(0, size, _BATCH):
        part = slice(begin, begin + _BATCH)
        batch = keras.tree.map_structure(lambda x, part=part: x[part], arrays)
        watched(batch, training=False)
    return [
        dataclasses.replace(x, responses=watchers[id(x.layer)].responses())
        for x in found
    ]


class _Watcher(keras.layers.Layer):
    """Runs a copy of a layer, and sums up what its filters answer."""

    def __init__(self, layer):
        super().__init__(name=layer.name, dtype=layer.dtype_policy)
        self._layer, self._linear = traverse.copy(layer), _linear(layer)
        self._groups = getattr(layer, "groups", 1)
        first = getattr(layer, "data_format", None) == "channels_first"
        self._axis = 1 if first else -1
        self._count, self._sum, self._products = 0, 0.0, 0.0

    def compute_output_shape(self, input_shape):
        return self._layer.compute_output_shape(input_shape)

    def compute_output_spec(self, inputs):
        return self._layer.compute_output_spec(inputs)

    def call(self, inputs):
        self._note(inputs)
        return self._layer(inputs)

    def responses(self) -> list[decompositions.Responses]:
        """Returns the moments of each group's filters."""
        means = np.split(self._sum / self._count, self._groups)
        return [
            decompositions.Responses(products / self._count, mean)
            for products, mean in zip(self._products, means, strict=True)
        ]

    def _note(self, inputs):
        outputs = ops.convert_to_numpy(self._linear(inputs))
        rows = np.moveaxis(outputs, self._axis, -1)
        rows = rows.reshape(-1, rows.shape[-1]).astype("float64")
        self._count += len(rows)
        self._sum = self._sum + rows.sum(axis=0)
        self._products = self._products + np.stack(
            [x.T @ x for x in np.split(rows, self._groups, axis=1)]
        )


def _linear(layer):
    """Returns the layer without bias and activation."""
    config = {**layer.get_config(), "use_bias": False, "activation": "linear"}
    linear = type(layer).from_config(config)
    linear.build(graph.built_on(layer)[0])
    linear.kernel.assign(layer.kernel)
    return linear
