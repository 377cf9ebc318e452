"""shortcuts: layers around which another way leads through a model."""

from __future__ import annotations

import collections

import keras

from tfprune.graph import model_graph
from tfprune.graph import traversal


def bypassed(model: keras.Model) -> set[int]:
    """Returns the layers that may give zeros without silencing the model.

    That is, each output of the model still depends on an input when all that
    the layer gives is zero: a shortcut leads around it.

    Args:
        model: Sequential or Functional model; nested ones are followed.

    Returns:
        Set of ids of layers.
    """
    if isinstance(model, keras.Sequential):
        free = set()
    else:
        free = {id(x) for x in model.layers if _is_bypassed(model, x)}
    for layer in model.layers:
        if traversal.is_container(layer):
            below = {id(x) for x in traversal.walk(layer)}
            free |= below if id(layer) in free else bypassed(layer)
    return free


def _is_bypassed(model, layer):
    """Follows zeros through a model: all of a sum's terms, or one factor."""
    read = collections.defaultdict(list)
    for source, target in model_graph.edges(model):
        read[target].append(source)
    products = {
        x.name for x in model.layers if isinstance(x, keras.layers.Multiply)
    }
    dead, count = {layer.name}, 0
    while len(dead) != count:
        count = len(dead)
        dead |= {
            target
            for target, sources in read.items()
            if (any if target in products else all)(x in dead for x in sources)
        }
    return not any(output in dead for output in read[None])
