"""zero_blocks: whole blocks that add nothing to their shortcuts."""

from __future__ import annotations

import dataclasses
import typing

import keras
import numpy as np

from tfprune import backend
from tfprune.compress import strip
from tfprune.compress.filters import channel_graph
from tfprune.compress.filters import zero
from tfprune.compress.filters.operations import registry
from tfprune.graph import cloning
from tfprune.graph import opening
from tfprune.graph import traversal
from tfprune.utils import validation

# Zeros stay zeros, whatever the model is given.
_PASSED = ("Cast", "Dropout", "Identity", "LayerScale", "StochasticDepth")


@dataclasses.dataclass(frozen=True, eq=False)
class Block:
    """What is computed from a tensor, and added to it.

    Args:
        addition: Keras layer or operation.
        writer: Layer that gives what is added.
        zeros: List of pairs (variable, number): what they are where the block
            adds nothing.
    """

    addition: typing.Any
    writer: keras.layers.Layer
    zeros: list

    def score(self) -> float:
        """The mean square of what writes to the shortcut."""
        values = [backend.to_numpy(x) - zero for x, zero in self.zeros]
        return float(
            np.mean(np.square(np.concatenate([*map(np.ravel, values)])))
        )


def zero_blocks(model: keras.Model, share: float = 0.5) -> keras.Model:
    """Makes a copy of a model in which a part of its blocks adds nothing.

    A block is what is computed from a tensor and added to it: the attention or
    the feed-forward layers of a transformer, the residual branch of a ResNet.
    Those go whose last layers have the least mean squares.

    Args:
        model: Sequential or Functional model without `Prunable` layers.
        share: Float in [0, 1), the part of the blocks, rounded down. Defaults
            to 0.5.

    Returns:
        A Keras model of the same shape. `remove_filters` takes these blocks
        out of it.

    Raises:
        ValueError: for a subclassed model, one that is not stripped, or
            weights that are not finite.

    Example:

    ```python
    shallow = tfprune.compress.zero_blocks(model, 0.25)
    model = tfprune.remove_filters(shallow).model
    ```

    Reference:
        Wen et al. Learning Structured Sparsity in Deep Neural Networks.
        NIPS 2016.
    """
    strip.check_stripped(model, "remove blocks of")
    validation.check_finite("model", model.variables)
    validation.check_sparsity("share", share)
    zeroed = cloning.clone(model, lambda layer, copied: copied)
    opened = opening.open_composites(zeroed, registry.is_known)
    found = blocks(channel_graph.channel_graph(opened.model))
    found.sort(key=Block.score)
    for block in found[: int(share * len(found) + 1e-6)]:
        for variable, value in block.zeros:
            variable.assign(np.full(variable.shape, value))
    zero.write_back(opened, zeroed)
    return zeroed


def blocks(graph: channel_graph.ChannelGraph) -> list[Block]:
    """The blocks of a model that may be taken out of it, in order.

    Args:
        graph: `ChannelGraph` of the model.
    """
    zeroed: dict[int, list] = {}
    computing = {id(x.layer) for x in graph.axes if x.role != "filter"}
    for axis in graph.axes:
        if axis.role in zero.ZEROED and id(axis.layer) in computing:
            own = zeroed.setdefault(id(axis.layer), [])
            if all(x is not axis.variable for x, _ in own):
                own.append((axis.variable, axis.zero))
    found = graph.model_graph
    return [
        Block(addition, writer, zeroed[id(writer)])
        for model in found.models
        for addition, writer in _written(found, found.nodes(model))
        if id(writer) in zeroed
    ]


def _written(graph, nodes):
    """Pairs: an addition, and the layer that gives what it adds."""
    calls = {node.key: node for node in nodes.nodes}
    for node in nodes.nodes:
        if not _is(node, "Add") or len(node.tensors) != 2:
            continue
        for place, other in ((0, 1), (1, 0)):
            branch, short = (node.tensors[i].key for i in (place, other))
            if short[:2] in _above(calls, branch[:2]):
                yield node.operation, _writer(graph, nodes, branch)


def _writer(graph, nodes, key):
    """The layer that gives a tensor, behind what passes zeros on.

    None for one that gives others, too.
    """
    calls = {node.key: node for node in nodes.nodes}
    node = calls.get(key[:2])
    while node and _is(node, *_PASSED):
        key = node.tensors[0].key
        node = calls.get(key[:2])
    if node is None or len(nodes.calls[id(node.operation)]) > 1:
        return None
    if traversal.is_container(node.operation):
        inside = graph.nodes(node.operation)
        return _writer(graph, inside, inside.outputs[key[2]])
    return node.operation


def _is(node, *names):
    """Whether an operation is of one of these classes of Keras."""
    kind = type(node.operation).__name__
    return registry.is_keras(node.operation) and kind in names


def _above(calls, key):
    """The keys of all calls that one depends on."""
    found, left = set(), {key}
    while left:
        node = calls.get(left.pop())
        taken = {x.key[:2] for x in node.tensors} if node else set()
        left |= taken - found
        found |= taken
    return found
