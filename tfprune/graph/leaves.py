"""Leaves: the layers that are pruned and reported in one piece each."""

from __future__ import annotations

import collections.abc
import dataclasses
import typing

import keras

from tfprune import backend
from tfprune.layers import prunable
from tfprune.utils import layer_names

# A frozen layer holds them too, though they are not trainable then.
_PARAMETERS = ("kernel", "embeddings", "bias", "gamma", "beta")


@dataclasses.dataclass(eq=False)
class Leaf:
    """A layer that is pruned and reported in one piece.

    Args:
        layer: Keras layer, the inner one where it is wrapped.
        path: String, the names of the layers around it and its own.
        address: String, the shortest end of the path that no other leaf of
            the model has: its name, if that is unique.
        weights: List of its variables: not those of leaves below it, nor those
            that it shares with leaves before it.
    """

    layer: keras.layers.Layer
    path: str
    address: str
    weights: list[typing.Any]

    @property
    def parameters(self) -> list[typing.Any]:
        """Those of them that training is about: no statistics, no masks."""
        return [w for w in self.weights if _is_parameter(w)]


def leaves(model: keras.Model) -> list[Leaf]:
    """The leaves of any kind of model, each once, in order.

    Wrappers, models and composite layers of the user are opened; one that
    holds variables of its own is a leaf beside those in it. A layer of Keras'
    own, such as LSTM, MultiHeadAttention or TimeDistributed, is one leaf,
    whatever it holds.

    Args:
        model: Keras model, built.
    """
    opened = [*_own(model, model.name), *_below(model, "", set())]
    seen: set[int] = set()
    found = []
    for path, layer in opened:
        fresh = [w for w in own_weights(layer) if id(w) not in seen]
        seen.update(map(id, fresh))
        found.append((layer, path, fresh))
    names = layer_names.shortest([path for _, path, _ in found])
    return [
        Leaf(layer, path, name, weights)
        for (layer, path, weights), name in zip(found, names, strict=True)
    ]


def addresses(model: keras.Model) -> dict[str, keras.layers.Layer]:
    """The layers that are leaves, by address, in order."""
    return {leaf.address: leaf.layer for leaf in leaves(model)}


def with_parameters(model: keras.Model) -> list[Leaf]:
    """The leaves that have parameters."""
    return [leaf for leaf in leaves(model) if leaf.parameters]


def own_weights(layer: keras.layers.Layer) -> list[typing.Any]:
    """Variables of a layer that are of no leaf below it."""
    if is_whole(layer):
        return list(layer.weights)
    below = {id(w) for child in backend.sublayers(layer) for w in child.weights}
    return [w for w in layer.weights if id(w) not in below]


def is_whole(layer: keras.layers.Layer) -> bool:
    """Whether a layer is not opened: Keras' own ones are whole, not models."""
    own = type(layer).__module__.startswith("keras.")
    return own and not isinstance(layer, keras.Model)


def is_kernel(variable) -> bool:
    """Tells whether an array is one that weight sparsity is about."""
    return variable.name.endswith(("kernel", "embeddings"))


def kind_of(kind: str) -> str:
    """`"conv"`, `"dense"` or `""` for the name of a layer class."""
    return "conv" if "Conv" in kind else "dense" if "Dense" in kind else ""


def _below(layer, above, seen) -> collections.abc.Iterator[tuple]:
    """Yields path and layer of each leaf below a layer."""
    for child in backend.sublayers(layer):
        if id(child) in seen or isinstance(child, keras.layers.InputLayer):
            continue
        seen.add(id(child))
        path = above + child.name
        if isinstance(child, prunable.Prunable):
            yield from _below(child, above, seen)
        elif is_whole(child) or not backend.sublayers(child):
            yield path, child
        else:
            yield from _own(child, path)
            yield from _below(child, f"{path}/", seen)


def _own(layer, path):
    """A layer that is opened, where it has weights of its own."""
    return [(path, layer)] if own_weights(layer) else []


def _is_parameter(variable):
    return variable.trainable or variable.name.endswith(_PARAMETERS)
