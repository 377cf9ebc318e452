"""compensate: what reads zeroed channels is fitted to what it gave before.

The kernel `W` of a layer that reads channels `x` of which some are gone,

    W <- W + argmin_D sum |(W + D) x_kept + b - y|^2 + damping |D|^2

where `y` is what the layer gave in the dense model and `x_kept` what it is
given in the pruned one, whose earlier layers are fitted already. A bias takes
the mean in. Normalizations get what their statistics would be: those of the
dense model, moved and scaled by what has changed on this data.
"""

from __future__ import annotations

import dataclasses

import keras
import numpy as np

from tfprune import backend
from tfprune.compress.filters.operations import registry
from tfprune.graph import traversal

_DAMPING = 1e-3  # Of the mean of the diagonal, towards the old weights.


def compensate(dense: keras.Model, graph, removed: np.ndarray, data) -> None:
    """Fits the layers of a model that read channels of zeros, in place.

    Layers that are called more than once stay as they are.

    Args:
        dense: Keras model, as it was before.
        graph: `ChannelGraph` of the same model, its filters zeroed.
        removed: Bool array, `(graph.count,)`, the channels that are zero.
        data: List of arrays, a batch of examples for each input.

    Reference:
        He, Zhang, Sun. Channel Pruning for Accelerating Very Deep Neural
        Networks. ICCV 2017.
    """
    own, others = graph.model_graph.leaves, traversal.leaves(dense)
    twins = {id(x): twin for x, twin in zip(own, others, strict=True)}
    kept = {(id(x.variable), x.axis): ~removed[x.channels] for x in graph.axes}
    fit = _Fit(twins, kept, graph.model_graph)
    tensors = map(keras.ops.convert_to_tensor, data)
    graph.model_graph.follow([(x, x) for x in tensors], fit)


class _Fit:
    """Runs a dense and a pruned model side by side, and fits the latter.

    Args:
        twins: Dict, id of a layer to that of the dense model.
        kept: Dict, id of a variable and axis to which of its channels are
            left.
        graph: `ModelGraph` of the pruned model.
    """

    def __init__(self, twins, kept, graph):
        self._twins, self._kept = twins, kept
        self._followers = graph.sole_followers
        # What fits one call of a layer need not fit another.
        self._once = {x for x, calls in graph.calls.items() if len(calls) == 1}

    def __call__(self, call):
        layer = call.operation
        if isinstance(layer, keras.layers.InputLayer):
            return call.inputs
        twin = self._twins.get(id(layer), layer)
        dense = dataclasses.replace(call, operation=twin)
        before, after = map(list, zip(*call.inputs, strict=True))
        if id(layer) in self._once:
            self._fit(call, dense, before, after)
        return list(zip(dense(before), call(after), strict=True))

    def _fit(self, call, dense, before, after):
        layer = call.operation
        if _is_normalization(layer):
            return _match(layer, before[0], after[0])
        is_moved = _is_normalization(self._followers.get(id(layer)))
        for reader, twin in zip(
            registry.readers(call), registry.readers(dense), strict=True
        ):
            inside, outside = reader.left(self._kept)
            if not inside.all():
                target = twin.some_rows(before) @ twin.matrix()
                rows = reader.some_rows(after)[:, inside]
                left = inside, outside
                _refit(reader, left, rows, target, is_moved)
        return None


def _refit(reader, left, rows, target, is_moved):
    """Fits what is left of a kernel, and its bias, to what was given."""
    inside, outside = left
    matrix, bias = reader.matrix(), reader.part.bias
    error = (target - rows @ matrix[inside])[:, outside]
    is_moved = is_moved or bias is not None
    mean_row, mean_error = rows.mean(0) * is_moved, error.mean(0) * is_moved
    rows, error = rows - mean_row, error - mean_error
    gram = rows.T @ rows
    mean = np.trace(gram) / len(gram) or 1.0  # Of nothing but zeros.
    gram += _DAMPING * mean * np.eye(len(gram))
    change = np.linalg.solve(gram, rows.T @ error)
    matrix[np.ix_(inside, outside)] += change
    reader.assign(matrix)
    if bias is not None:
        added = np.zeros(outside.size)
        added[outside] = mean_error - mean_row @ change
        bias.assign_add(added.reshape(bias.shape))


def _match(layer, before, after):
    """Moves and scales the statistics of a normalization by what changed."""
    rank = len(before.shape)
    axes = [axis for axis in range(rank) if axis != layer.axis % rank]
    (mean, variance), (new_mean, new_variance) = (
        map(keras.ops.convert_to_numpy, keras.ops.moments(x, axes))
        for x in (before, after)
    )
    # What is gone is constant, and stays what it was made to be.
    alive = (variance > 0) & (new_variance > 0)
    scale = np.where(alive, new_variance / np.where(alive, variance, 1), 1)
    layer.moving_mean.assign_add(np.where(alive, new_mean - mean, 0))
    old = backend.to_numpy(layer.moving_variance)
    layer.moving_variance.assign(old * scale)


def _is_normalization(layer):
    return isinstance(layer, keras.layers.BatchNormalization)
