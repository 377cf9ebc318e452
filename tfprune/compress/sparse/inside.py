"""What of a model may run sparse, in whatever it is."""

from __future__ import annotations

import keras
import numpy as np

from tfprune import backend
from tfprune.compress import opened as opened_lib
from tfprune.compress.sparse import alternatives
from tfprune.graph import cloning
from tfprune.graph import leaves
from tfprune.graph import model_graph
from tfprune.graph import traversal
from tfprune.layers import parts


def opened(model: keras.Model) -> keras.Model:
    """As `compress.opened`, where there are zeros inside.

    Args:
        model: Sequential or Functional model.
    """
    drops = any(map(_drops, traversal.walk(model)))
    change = _without_dropout if drops else None
    return opened_lib.opened(model, _has_no_zeros, change).model


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


def _drops(layer):
    return type(layer) in parts.ATTENTION and layer.get_config()["dropout"] > 0


def _without_dropout(model):
    """A model whose attentions are `keras.ops.dot_product_attention` inside.

    Keras makes them of several operations where they may drop something.
    """
    return cloning.clone(model, _never_dropping)


def _never_dropping(layer, copied):
    if not _drops(layer):
        return copied
    try:
        own = type(layer).from_config({**layer.get_config(), "dropout": 0.0})
        backend.build(own, layer.get_build_config())
    except Exception:  # Of what a user's initializers and so on raise.
        return copied
    for new, old in zip(own.weights, copied.weights, strict=True):
        new.assign(old)
        new.trainable = old.trainable
    return own
