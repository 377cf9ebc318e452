"""fuse: additions become part of the sparse convolutions before them."""

from __future__ import annotations

import keras

from tfprune.compress import fold
from tfprune.compress import graph
from tfprune.compress import traverse
from tfprune.layers import sparse_conv2d


def fuse(model: keras.Model) -> keras.Model:
    """Returns a model that infers the same, with fewer passes over memory.

    Where a sparse convolution is added to something of equal shape, and
    nothing else takes what it gives, it adds that to its sums while they are
    in registers, and applies the ReLU behind. Both layers are gone then.

    Args:
        model: Sequential or Functional model.
    """
    plans = _plans(model)
    if not plans:
        return model
    return _Fusing(plans).clone(model)


def _plans(model):
    """Returns id of an addition to its convolution and activation, or None."""
    followers = graph.sole_followers(model)
    plans = {}
    for addition, sources in graph.additions(model).values():
        found = [x for x in sources if x is not None and _is_linear(x)]
        if found:
            after = followers.get(id(addition))
            activation = after if fold.activation(after) else None
            plans[id(addition)] = (found[0], activation)
    return plans


def _is_linear(layer):
    return (
        isinstance(layer, sparse_conv2d.SparseConv2D)
        and layer.activation is fold.LINEAR
    )


class _Fusing:
    """One clone under way."""

    def __init__(self, plans):
        self._plans = plans
        self._activations = {
            id(conv): activation for conv, activation in plans.values()
        }
        self._gone = {
            id(x) for x in self._activations.values() if x is not None
        }
        self._twins, self._passed, self._additions = {}, {}, {}
        self._inputs = {}

    def clone(self, model):
        return traverse.clone(model, self._replace, self._call)

    def _replace(self, layer, twin):
        if id(layer) in self._gone:
            twin = keras.layers.Identity(name=layer.name)
            self._passed[id(twin)] = twin
        if id(layer) in self._activations:
            activation = self._activations[id(layer)]
            twin.activation = fold.activation(activation) or twin.activation
            self._twins[id(layer)] = twin
        if id(layer) in self._plans:
            self._additions[id(twin)] = self._plans[id(layer)][0]
        return twin

    def _call(self, layer, inputs, *args, **kwargs):
        if id(layer) in self._passed:
            return inputs
        if id(layer) in self._additions:
            return self._add(
                self._twins[id(self._additions[id(layer)])], inputs
            )
        outputs = layer(inputs, *args, **kwargs)
        self._inputs[id(layer)] = (inputs, outputs)
        return outputs

    def _add(self, conv, terms):
        inputs, outputs = self._inputs[id(conv)]
        (residual,) = [term for term in terms if term is not outputs]
        return conv(inputs, residual=residual)
