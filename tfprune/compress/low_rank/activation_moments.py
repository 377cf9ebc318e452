"""Activation moments: statistics of what filters give on data."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
from keras import ops

from tfprune.compress.low_rank import candidates
from tfprune.compress.low_rank import layouts
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
        self._layout = layouts.of(layer)
        self._linear = self._layout.without_bias()
        self._linear.build(model_graph.built_on(layer)[0])
        self._linear.kernel.assign(layer.kernel)
        self._count, self._sum, self._products = 0, 0.0, 0.0

    def responses(self) -> list[decompositions.Responses]:
        """The moments of each group's filters."""
        return [
            decompositions.Responses(products / self._count, mean)
            for products, mean in zip(
                self._products, self._sum / self._count, strict=True
            )
        ]

    def note(self, inputs):
        outputs = ops.convert_to_numpy(self._linear(inputs))
        groups = np.stack(self._layout.rows(outputs)).astype("float64")
        self._count += groups.shape[1]
        self._sum = self._sum + groups.sum(axis=1)
        self._products = self._products + np.stack([x.T @ x for x in groups])
