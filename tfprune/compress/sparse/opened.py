"""opened: a model whose layers with zeros are not hidden in other layers."""

from __future__ import annotations

import warnings

import keras
import numpy as np

from tfprune import backend
from tfprune.compress.sparse import alternatives
from tfprune.graph import equivalence
from tfprune.graph import leaves
from tfprune.graph import model_graph
from tfprune.graph import opening
from tfprune.graph import traversal

_CLOSED = (
    "layers made of other ones stay as they are, and dense, since the model "
    "would give something else without them"
)


def opened(model: keras.Model) -> keras.Model:
    """A model that gives the same, in which zeros are in layers of its own.

    The projections of an attention, and layers in a block of the user's own,
    become layers of a Functional model, if there are zeros in them. Those that
    masks of Keras reach stay as they are.

    Args:
        model: Sequential or Functional model.
    """
    found = opening.open_composites(
        model, _has_no_zeros, also=alternatives.ATTENTION
    ).model
    if found is model:
        return model
    try:
        equivalence.check(model, found)
    except RuntimeError as error:
        warnings.warn(f"{_CLOSED}: {error}", stacklevel=3)
        return model
    return found


def kernels(graph: model_graph.ModelGraph):
    """Yields what may run sparse: a leaf, and the layer of a graph it is in.

    That is the leaf's own layer, unless it is inside of one that stays closed.

    Args:
        graph: `ModelGraph` of a Sequential or Functional model.
    """
    outer = {
        id(inner): layer
        for layer in graph.leaves
        for inner in (*traversal.walk(layer), layer)
    }
    for leaf in leaves.leaves(graph.model):
        is_known = alternatives.known(leaf.layer)
        if is_known or any(map(leaves.is_kernel, leaf.weights)):
            yield leaf, outer[id(leaf.layer)]


def sparsity(leaf: leaves.Leaf) -> float:
    """The share of zeros in what a leaf multiplies by."""
    if alternatives.known(leaf.layer):
        return alternatives.sparsity(leaf.layer)
    found = [
        backend.to_numpy(x) for x in filter(leaves.is_kernel, leaf.weights)
    ]
    size = sum(array.size for array in found)
    return 1 - sum(map(np.count_nonzero, found)) / max(size, 1)


def _has_no_zeros(layer):
    """Whether nothing inside of a layer is known, and has zeros to skip."""
    return not any(
        alternatives.known(inner)
        and alternatives.needs_zeros(inner)
        and alternatives.sparsity(inner)
        for inner in traversal.walk(layer)
    )
