"""Leaves: the layers that are pruned and reported in one piece each."""

from __future__ import annotations

import dataclasses
import typing

import keras

from tfprune.layers import parts
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

    They are its `parts`; `Prunable` layers do not count, only what they wrap.

    Args:
        model: Keras model, built.
    """
    found = [
        (part.layer, part.path or model.name, part.weights)
        for part in parts.of(model, around=(prunable.Prunable,))
    ]
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


def is_kernel(variable) -> bool:
    """Tells whether an array is one that weight sparsity is about."""
    return variable.name.endswith(("kernel", "embeddings"))


def kind_of(kind: str) -> str:
    """`"conv"`, `"dense"` or `""` for the name of a layer class."""
    return "conv" if "Conv" in kind else "dense" if "Dense" in kind else ""


def _is_parameter(variable):
    return variable.trainable or variable.name.endswith(_PARAMETERS)
