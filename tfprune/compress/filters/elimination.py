"""elimination: which channels can be told from the others, one by one.

With `G` the second moments of all that a filter reads, over data, and `W` the
kernel, a channel of the columns `S` that goes costs, where the others are
fitted anew (Optimal Brain Surgeon, for groups),

    trace(W_S' [G^-1]_SS^-1 W_S)

of what is read at most, and leaves `G^-1` and `W` of what is left.
"""

from __future__ import annotations

import keras
import numpy as np

from tfprune.compress.filters.operations import registry

_DAMPING = 1e-3  # Of the mean of the diagonal.


class Elimination:
    """What reads the channels of a model, and the data that it reads.

    Args:
        graph: `ChannelGraph` of the model.
        data: List of arrays, a batch of examples for each input.

    Reference:
        Hassibi, Stork. Second Order Derivatives for Network Pruning: Optimal
        Brain Surgeon. NIPS 1992. Kurtic et al. ZipLM. NeurIPS 2023.
    """

    def __init__(self, graph, data):
        self._channels = {
            (id(x.variable), x.axis): x.channels for x in graph.axes
        }
        self._readers = []
        tensors = list(map(keras.ops.convert_to_tensor, data))
        graph.model_graph.follow(tensors, self._step)

    def order(self, channels: np.ndarray, count: int) -> np.ndarray | None:
        """The channels of a group that go, the one that costs least first.

        Args:
            channels: Integer array, those of a group.
            count: Integer, how many go.

        Returns:
            Integer array, `(count,)`, places in `channels`. None where no
            kernel reads them that can be fitted.
        """
        costs = [
            _Cost(kernel, gram, [own == x for x in channels])
            for kernel, gram, labels in self._readers
            for own in labels
            if np.isin(own, channels).any()
        ]
        if not costs:
            return None
        left, gone = np.ones(channels.size, bool), []
        for _ in range(count):
            total = np.sum([cost.of_each(left) for cost in costs], axis=0)
            gone.append(int(np.argmin(np.where(left, total, np.inf))))
            left[gone[-1]] = False
            for cost in costs:
                cost.remove(gone[-1])
        return np.array(gone, int)

    def _step(self, call):
        if isinstance(call.operation, keras.layers.InputLayer):
            return call.inputs
        for reader in registry.readers(call):
            labels = reader.labels(self._channels)
            if labels:
                rows = reader.some_rows(call.inputs)
                rows -= rows.mean(0) * (reader.part.bias is not None)
                gram = rows.T @ rows / len(rows)
                self._readers.append((reader.matrix(), gram, labels))
        return call(call.inputs)


class _Cost:
    """What a kernel loses with each channel, in shares of what it gives.

    Args:
        kernel: Array, `(columns, filters)`.
        gram: Array, `(columns, columns)`.
        columns: List of bool arrays, which columns each channel has.
    """

    def __init__(self, kernel, gram, columns):
        self._columns = [np.flatnonzero(own) for own in columns]
        mean = np.trace(gram) / len(gram) or 1.0
        self._inverse = np.linalg.inv(
            gram + _DAMPING * mean * np.eye(len(gram))
        )
        self._kernel = kernel.copy()
        self._energy = np.sum(kernel * (gram @ kernel)) or 1.0

    def of_each(self, left):
        """The cost of each channel that is left; 0 of the others."""
        found = np.zeros(left.size)
        for place in np.flatnonzero(left):
            own = self._columns[place]
            if own.size:
                rows = self._kernel[own]
                block = self._inverse[np.ix_(own, own)]
                lost = np.sum(rows * np.linalg.solve(block, rows))
                found[place] = lost / self._energy
        return found

    def remove(self, place):
        """Takes a channel out, and fits the others."""
        own = self._columns[place]
        if not own.size:
            return
        block = self._inverse[np.ix_(own, own)]
        step = np.linalg.solve(block, self._inverse[own])
        self._kernel -= step.T @ self._kernel[own]
        self._inverse -= self._inverse[:, own] @ step
        # What is gone is neither told from others nor tells of them.
        self._kernel[own] = 0
        self._inverse[own] = self._inverse[:, own] = 0
