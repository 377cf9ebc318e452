"""Chains: a clone of a model with several layers in the place of one."""

from __future__ import annotations

import keras

from tfprune.graph import cloning
from tfprune.graph import traversal


def clone(model: keras.Model, chains: dict[int, list]) -> keras.Model:
    """Returns a copy of a model, weights included, with layers exchanged.

    Args:
        model: Sequential or Functional model.
        chains: Dict, id of a layer to the list of layers, built, that are
            called in its place, one on the output of the other.
    """
    links = {}

    def replace(layer, copied):
        if id(layer) not in chains:
            return copied
        # It has the right output, wherever Keras calls it meanwhile.
        whole = keras.Sequential(chains[id(layer)])
        links[id(whole)] = whole.layers
        return whole

    def call(layer, *args, **kwargs):
        first, *others = links.get(id(layer), [layer])
        outputs = first(*args, **kwargs)
        for other in others:
            outputs = other(outputs)
        return outputs

    copy = cloning.clone(model, replace, call)
    for each in [copy, *traversal.walk(copy)]:
        if isinstance(each, keras.Sequential):
            _flatten(each, links)
    return copy


def _flatten(model, links):
    """Puts the layers of chains themselves into a Sequential model."""
    layers = [x for own in model.layers for x in links.get(id(own), [own])]
    if len(layers) == len(model.layers):
        return
    for _ in range(len(model.layers)):
        model.pop()
    for layer in layers:
        model.add(layer)
