"""Leaves: the layers of a model that hold weights, and these weights."""

from __future__ import annotations

import dataclasses
import typing

import keras

from tfprune.graph import traversal
from tfprune.layers import prunable

# A frozen layer holds them too, though they are not trainable then.
_PARAMETERS = ("kernel", "embeddings", "bias", "gamma", "beta")


@dataclasses.dataclass(eq=False)
class Leaf:
    """A layer that is reported in one piece.

    Args:
        layer: Keras layer, the inner one where it is wrapped.
        parameters: List of the variables that training is about: no moving
            statistics, no masks.
    """

    layer: keras.layers.Layer
    parameters: list[typing.Any]


def leaves(model: keras.Model) -> list[Leaf]:
    """The layers with weights of any kind of model, each once.

    Wrappers, models and composite layers of the user are opened. A layer of
    Keras' own, such as LSTM or MultiHeadAttention, is one leaf.

    Args:
        model: Keras model, built.

    Returns:
        List of `Leaf`. An array that layers share is listed with the first.
    """
    inside: set[int] = set()
    seen: set[int] = set()
    found: list[Leaf] = []
    for layer in [model, *traversal.walk(model)]:
        if id(layer) in inside or isinstance(layer, prunable.Prunable):
            continue
        below = traversal.walk(layer)
        if _is_whole(layer):
            inside.update(map(id, below))
            below = []
        elsewhere = {id(w) for child in below for w in child.weights} | seen
        mine = [w for w in layer.weights if id(w) not in elsewhere]
        seen.update(map(id, mine))
        found.append(Leaf(layer, [w for w in mine if _is_parameter(w)]))
    return [leaf for leaf in found if leaf.parameters]


def is_kernel(variable) -> bool:
    """Tells whether an array is one that weight sparsity is about."""
    return variable.name.endswith(("kernel", "embeddings"))


def kind_of(kind: str) -> str:
    """`"conv"`, `"dense"` or `""` for the name of a layer class."""
    return "conv" if "Conv" in kind else "dense" if "Dense" in kind else ""


def _is_whole(layer):
    """Keras' own layers are whole, its models are not."""
    own = type(layer).__module__.startswith("keras.")
    return own and not isinstance(layer, keras.Model)


def _is_parameter(variable):
    return variable.trainable or variable.name.endswith(_PARAMETERS)
