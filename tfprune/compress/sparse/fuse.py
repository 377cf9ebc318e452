"""fuse: additions and activations become part of sparse layers before them."""

from __future__ import annotations

import typing

import keras

from tfprune.compress.sparse import fold
from tfprune.graph import cloning
from tfprune.graph import model_graph
from tfprune.layers import fused_functions
from tfprune.layers import sparse
from tfprune.layers import sparse_conv2d


def fuse(
    graph: model_graph.ModelGraph,
    chosen: dict[int, keras.layers.Layer] | None = None,
) -> keras.Model:
    """A model that infers the same, with fewer passes over memory.

    Where a sparse convolution is added to something of equal shape, and
    nothing else takes what it gives, it adds that to its sums while they are
    in registers, and applies the activation behind. Both layers are removed
    then, as are activations behind other sparse layers.

    Args:
        graph: `ModelGraph` of a Sequential or Functional model.
        chosen: Dict, id of a layer or operation to the one that takes its
            place in the result, such as a sparse one. Defaults to none.

    Returns:
        A clone of the model; the model itself, if nothing changes.
    """
    chosen = chosen or {}
    plans = _plans(graph, chosen)
    activations = _activations(graph, chosen)
    if not plans and not activations and not chosen:
        return graph.model
    return _Fusing(plans, activations, chosen).clone(graph.model)


class _Plan(typing.NamedTuple):
    """An addition, which of its terms is the convolution, and what follows."""

    addition: keras.layers.Add
    conv: keras.layers.Layer
    position: int
    activation: keras.layers.Layer | None


def _plans(graph, chosen):
    plans = []
    for addition, sources in graph.additions:
        after = graph.sole_followers.get(id(addition))
        for position, source in enumerate(sources):
            conv = chosen.get(id(source), source)
            if _takes(conv, addition):
                joins = _takes_activation(conv, after, addition)
                after = after if joins else None
                plans.append(_Plan(addition, source, position, after))
                break
    return plans


def _activations(graph, chosen):
    """Id of a sparse layer to the operation behind it that it takes over."""
    sources = {id(layer): layer for layer in graph.leaves}
    return {
        key: after
        for key, after in graph.sole_followers.items()
        if _takes_activation(chosen.get(key), after, sources.get(key))
    }


def _takes(conv, addition):
    return (
        isinstance(conv, sparse_conv2d.SparseConv2D)
        and conv.activation is fold.LINEAR
        and conv.compute_dtype == addition.compute_dtype
    )


def _takes_activation(layer, after, before):
    """Whether a sparse layer may do what follows `before`, itself or not."""
    return (
        isinstance(layer, sparse.Sparse)
        and layer.activation is fold.LINEAR
        and fused_functions.of(after) is not None
        and fold.joins(before, after)
    )


class _Fusing:
    """One clone under way: convolutions are called where additions were."""

    def __init__(self, plans, activations, chosen):
        self._chosen = chosen
        self._by_conv = {id(plan.conv): plan for plan in plans}
        self._by_addition = {id(plan.addition): plan for plan in plans}
        self._activations = activations
        after = [plan.activation for plan in plans if plan.activation]
        self._removed = set(map(id, [*after, *activations.values()]))
        # Of the clone: layers that pass on what they get, and the plans of
        # additions with the convolutions in it and how these are called.
        self._passing, self._plans, self._convs = {}, {}, {}
        self._arguments = {}

    def clone(self, model):
        return cloning.clone(model, self._replace, self._call)

    def _replace(self, layer, copied):
        copied = self._chosen.get(id(layer), copied)
        if id(layer) in self._activations:
            after = self._activations[id(layer)]
            copied.activation = fused_functions.of(after)
        if id(layer) in self._removed:
            copied = cloning.identity(layer)
            self._passing[id(copied)] = copied
        elif id(layer) in self._by_conv:
            after = self._by_conv[id(layer)].activation
            copied.activation = fused_functions.of(after) or copied.activation
            self._convs[id(layer)] = copied
            self._passing[id(copied)] = copied
        elif id(layer) in self._by_addition:
            self._plans[id(copied)] = self._by_addition[id(layer)]
        return copied

    def _call(self, layer, *args, **kwargs):
        first = (*args, *kwargs.values())[0]
        if id(layer) in self._passing:
            self._arguments[id(layer)] = args, kwargs
            return first
        if id(layer) not in self._plans:
            return layer(*args, **kwargs)
        plan = self._plans[id(layer)]
        conv = self._convs[id(plan.conv)]
        residual = first[1 - plan.position]
        args, kwargs = self._arguments[id(conv)]
        return conv(*args, **kwargs, residual=residual)
