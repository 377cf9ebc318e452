"""shortcuts: layers around which another way leads through a model."""

from __future__ import annotations

import collections

import keras

from tfprune.graph import model_graph
from tfprune.graph import traversal


def bypassed(graph: model_graph.ModelGraph) -> set[int]:
    """Finds the layers around which a shortcut leads.

    That is, each output of the model still depends on an input when all that
    the layer gives is zero.

    Args:
        graph: `ModelGraph`; nested models are followed. Of a subclassed model
            only the Sequential and Functional ones inside of it are known.

    Returns:
        Set of ids of layers, those inside of such layers included.
    """
    models = traversal.outermost(graph.model)
    return {key for model in models for key in _bypassed(graph, model)}


def _bypassed(graph, model):
    edges = graph.nodes(model).edges
    free = {id(x) for x in model.layers if _is_bypassed(edges, x)}
    for layer in model.layers:
        if id(layer) in free:
            free |= set(map(id, traversal.walk(layer)))
        elif traversal.is_container(layer):
            free |= _bypassed(graph, layer)
    return free


def _is_bypassed(edges, layer):
    """Follows zeros through a model: all of a sum's terms, or one factor."""
    read = collections.defaultdict(list)
    for source, target in edges:
        read[target].append(source)
    zero, count = {layer}, 0
    while len(zero) != count:
        count = len(zero)
        zero |= {
            target
            for target, sources in read.items()
            if (any if _is_product(target) else all)(x in zero for x in sources)
        }
    return not any(source in zero for source in read[None])


def _is_product(operation):
    return isinstance(operation, keras.layers.Multiply)
