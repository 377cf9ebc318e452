"""Types of layers: what each takes of the time of a net, dense and mixed."""

from __future__ import annotations

import typing

import keras

from benchmarks.cases import models
from tfprune.graph import model_graph
from tfprune.graph import traversal
from tfprune.layers import sparse_conv2d
from tfprune.layers import sparse_dense
from tfprune.profiling import timer

FIRST, LARGE, POINTWISE = "from the image", "3x3 and larger", "1x1"
DEPTHWISE, PRODUCT, POOLING = "depthwise", "fully connected", "pooling"
REST = "rest"
_POOLING = (
    keras.layers.MaxPooling2D,
    keras.layers.AveragePooling2D,
    keras.layers.GlobalMaxPooling2D,
    keras.layers.GlobalAveragePooling2D,
)


class LayerType(typing.NamedTuple):
    """What all layers of a type take.

    Args:
        name: String.
        dense: Float, milliseconds in the model that was given.
        mixed: Float, milliseconds in what `sparsify` made of it.
    """

    name: str
    dense: float
    mixed: float


def measure(
    given: keras.Model, found, batch: int, rounds: int
) -> list[LayerType]:
    """Measures the layers of a model and those in their places, in turn.

    Args:
        given: Keras model.
        found: `sparsify.Sparsified` of it.
        batch: Integer.
        rounds: Integer.

    Returns:
        List of `LayerType`. The last is what is left of the time of a call.
    """
    types = _types(_measured(given, found.model, batch, rounds))
    ms = found.milliseconds
    dense = ms["given"] - sum(each.dense for each in types)
    mixed = min(ms.values()) - sum(each.mixed for each in types)
    return [*types, LayerType(REST, dense, mixed)]


def _measured(given, mixed, batch, rounds):
    """Yields the type of each layer that has one, and its two times."""
    copies = {layer.name: layer for layer in traversal.leaves(mixed)}
    for layer, shape in _calls(given, batch):
        name = classify(layer, shape)
        if name != REST:
            pair = {"dense": layer, "mixed": copies[layer.name]}
            yield name, timer.layers(pair, shape, rounds)


def _types(measured):
    totals = {}
    for name, times in measured:
        dense, mixed = totals.get(name, (0.0, 0.0))
        totals[name] = dense + times["dense"], mixed + times["mixed"]
    return [LayerType(name, *both) for name, both in totals.items()]


def classify(layer: keras.layers.Layer, shape: tuple) -> str:
    """Returns the name of a layer's type.

    Args:
        layer: Keras layer.
        shape: Tuple, of its input.
    """
    if isinstance(layer, _POOLING):
        return POOLING
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return DEPTHWISE
    if isinstance(layer, keras.layers.Dense | sparse_dense.SparseDense):
        return PRODUCT
    convolutions = keras.layers.Conv2D | sparse_conv2d.SparseConv2D
    if not isinstance(layer, convolutions):
        return REST
    if shape[-1] < models.FROM_IMAGE:
        return FIRST
    return POINTWISE if max(layer.kernel_size) == 1 else LARGE


def _calls(model, batch):
    """Yields each layer with the shape of its input, for each call."""
    calls = model_graph.ModelGraph(model).calls
    for layer in traversal.leaves(model):
        known = [call[0] for call in calls.get(id(layer)) or [] if call]
        # What begins a model is called on nothing.
        for shape in known or _first(layer.input):
            yield layer, (batch, *shape[1:])


def _first(inputs):
    return [tensor.shape for tensor in keras.tree.flatten(inputs)[:1]]
