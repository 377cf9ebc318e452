"""Parts: the layers in a layer that are pruned in one piece each.

Models and composite layers of the user are opened; one that holds variables of
its own is a part beside those in it. A layer of Keras' own, such as LSTM,
MultiHeadAttention or TimeDistributed, is one part, whatever it holds.
"""

from __future__ import annotations

import collections.abc
import typing

import keras

from tfprune import backend

ATTENTION = keras.layers.MultiHeadAttention, keras.layers.GroupQueryAttention


class Part(typing.NamedTuple):
    """A layer in another one, or that one itself.

    Args:
        path: String, the names of the layers around it and its own; empty for
            the one itself.
        layer: Keras layer.
        weights: List of its variables: not those of parts in it, nor those
            that it shares with parts before it.
    """

    path: str
    layer: keras.layers.Layer
    weights: list[typing.Any]


def of(layer: keras.layers.Layer, around: tuple = ()) -> list[Part]:
    """The parts of a layer, each once, in order.

    Args:
        layer: Keras layer, built.
        around: Classes of wrappers that do not count, only what they wrap.
    """
    opened: collections.abc.Iterable = [("", layer)]
    if not is_whole(layer) and backend.sublayers(layer):
        opened = [*_own(layer, ""), *_below(layer, "", around, set())]
    seen: set[int] = set()
    found = []
    for path, part in opened:
        weights = [w for w in own_weights(part) if id(w) not in seen]
        seen.update(map(id, weights))
        found.append(Part(path, part, weights))
    return found


def own_weights(layer: keras.layers.Layer) -> list[typing.Any]:
    """Variables of a layer that are of no part in it."""
    if is_whole(layer):
        return list(layer.weights)
    below = {id(w) for child in backend.sublayers(layer) for w in child.weights}
    return [w for w in layer.weights if id(w) not in below]


def is_whole(layer: keras.layers.Layer) -> bool:
    """Whether a layer is not opened: Keras' own ones are whole, not models."""
    own = type(layer).__module__.startswith("keras.")
    return own and not isinstance(layer, keras.Model)


def _below(layer, above, around, seen) -> collections.abc.Iterator[tuple]:
    """Yields path and layer of each part below a layer."""
    for child in backend.sublayers(layer):
        if id(child) in seen or isinstance(child, keras.layers.InputLayer):
            continue
        seen.add(id(child))
        path = above + child.name
        if isinstance(child, around):
            yield from _below(child, above, around, seen)
        elif is_whole(child) or not backend.sublayers(child):
            yield path, child
        else:
            yield from _own(child, path)
            yield from _below(child, f"{path}/", around, seen)


def _own(layer, path):
    """A layer that is opened, where it has weights of its own."""
    return [(path, layer)] if own_weights(layer) else []
