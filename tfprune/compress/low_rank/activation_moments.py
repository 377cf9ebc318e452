"""Activation moments: statistics of what filters give on data."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
from keras import ops

from tfprune.compress.low_rank import candidates
from tfprune.graph import model_graph
from tfprune.graph import trace
from tfprune.numerics import decompositions


def measured(
    model: keras.Model, found: list[candidates.Candidate], data
) -> list[candidates.Candidate]:
    """The candidates, each with its activation statistics on data.

    Args:
        model: Keras model.
        found: List of `Candidate`.
        data: Array of examples, or what else `model` takes, along axis 0.

    Returns:
        List of `Candidate`.
    """
    watchers = {id(x.layer): _Responses(x.layer) for x in found}
    trace.run(model, watchers, data)
    return [
        dataclasses.replace(x, responses=watchers[id(x.layer)].responses())
        for x in found
    ]


class _Responses(trace.Watcher):
    """Sums the outputs of a layer's filters, and their products."""

    def __init__(self, layer):
        super().__init__(layer)
        self._linear = _linear(layer)
        self._groups = getattr(layer, "groups", 1)
        first = getattr(layer, "data_format", None) == "channels_first"
        self._axis = 1 if first else -1
        self._count, self._sum, self._products = 0, 0.0, 0.0

    def responses(self) -> list[decompositions.Responses]:
        """The moments of each group's filters."""
        means = np.split(self._sum / self._count, self._groups)
        return [
            decompositions.Responses(products / self._count, mean)
            for products, mean in zip(self._products, means, strict=True)
        ]

    def note(self, inputs):
        outputs = ops.convert_to_numpy(self._linear(inputs))
        rows = np.moveaxis(outputs, self._axis, -1)
        rows = rows.reshape(-1, rows.shape[-1]).astype("float64")
        self._count += len(rows)
        self._sum = self._sum + rows.sum(axis=0)
        self._products = self._products + np.stack(
            [x.T @ x for x in np.split(rows, self._groups, axis=1)]
        )


def _linear(layer):
    """The layer without bias and activation."""
    config = {**layer.get_config(), "use_bias": False, "activation": "linear"}
    linear = type(layer).from_config(config)
    linear.build(model_graph.built_on(layer)[0])
    linear.kernel.assign(layer.kernel)
    return linear
