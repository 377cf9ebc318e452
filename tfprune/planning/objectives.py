"""Objectives: what a net costs, from the number of weights kept.

An objective maps integers `(n, arrays)`, the entries kept of each array that
has a mask, to costs `(n,)`; `dense` is the cost with nothing pruned.
"""

from __future__ import annotations

import keras
import numpy as np

from tfprune import backend
from tfprune.graph import model_graph
from tfprune.graph import positions
from tfprune.graph import traversal
from tfprune.layers import prunable
from tfprune.planning import latency
from tfprune.utils import counts
from tfprune.utils import validation


class Linear:
    """A price for each entry kept, and what the rest of the net costs.

    Args:
        unit: String, for reports.
        sizes: Integer array `(arrays,)`, all entries.
        prices: Number array `(arrays,)`.
        rest: Number, of what has no mask.
    """

    def __init__(self, unit: str, sizes, prices, rest):
        self.unit = unit
        self._prices, self._rest = np.array(prices, "int64"), rest
        self.dense = float(self(np.array([sizes]))[0])

    def __call__(self, kept) -> np.ndarray:
        return np.asarray(kept, "int64") @ self._prices + self._rest


class Bytes:
    """Bytes of weights as tfprune stores them, before they are zipped.

    Of each array its values and 32-bit indices, or all of its values where
    that is less.

    Args:
        sizes: Integer array `(arrays,)`, all entries.
        itemsizes: Integer array `(arrays,)`, bytes of an entry.
        rest: Integer, of what has no mask.
    """

    unit = "bytes"

    def __init__(self, sizes, itemsizes, rest):
        self._itemsizes = np.array(itemsizes, "int64")
        self._whole = np.array(sizes, "int64") * self._itemsizes
        self._rest = rest
        self.dense = float(self._whole.sum() + rest)

    def __call__(self, kept) -> np.ndarray:
        sparse = np.asarray(kept, "int64") * (self._itemsizes + 4)
        return np.minimum(sparse, self._whole).sum(axis=1) + self._rest


def build(objective, model: keras.Model, targets: list):
    """Returns an objective by its name, or the one given.

    Args:
        objective: `"parameters"`, `"macs"`, `"bytes"`, `"latency"` (measured
            here and now), or a callable as above.
        model: Keras model.
        targets: List of `Target`, the arrays with masks.

    Raises:
        ValueError: for an unknown name.
    """
    if callable(objective):
        return objective
    if objective not in OBJECTIVES:
        raise ValueError(validation.unknown("objective", objective, OBJECTIVES))
    masked = {id(target.variable) for target in targets}
    others = [v for v in model.trainable_variables if id(v) not in masked]
    return OBJECTIVES[objective](model, targets, others)


def _parameters(model, targets, others):
    prices = np.ones(len(targets), int)
    return Linear("parameters", _sizes(targets), prices, _entries(others))


def _macs(model, targets, others):
    uses = _uses(model)
    prices = [_price(target.variable, uses) for target in targets]
    rest = sum(_price(v, uses) * _entries([v]) for v in others)
    return Linear("MACs", _sizes(targets), prices, rest)


def _bytes(model, targets, others):
    itemsizes = [_itemsize(target.variable) for target in targets]
    rest = sum(_entries([v]) * _itemsize(v) for v in others)
    return Bytes(_sizes(targets), itemsizes, rest)


OBJECTIVES = {
    "parameters": _parameters,
    "macs": _macs,
    "bytes": _bytes,
    "latency": latency.build,
}


def _sizes(targets):
    return [_entries([target.variable]) for target in targets]


def _entries(variables):
    return sum(int(np.prod(variable.shape)) for variable in variables)


def _itemsize(variable):
    return backend.to_numpy(variable).itemsize


def _price(variable, uses):
    """Multiply-accumulates for each weight; biases are only added."""
    return counts.macs(1, uses.get(id(variable), 0))


def _uses(model):
    """Returns id of a variable to how often one forward pass uses it."""
    calls, found = model_graph.calls(model), {}
    for layer in traversal.walk(model):
        if isinstance(layer, (keras.Model, prunable.Prunable)):
            continue
        kernels = [v for v in layer.weights if v.name.endswith("kernel")]
        if kernels:
            made = calls.get(id(layer)) or [None]
            uses = sum(positions.positions(layer, shapes) for shapes in made)
            # What holds a layer comes before it, and was called itself.
            found = {id(v): uses for v in kernels} | found
    return found
