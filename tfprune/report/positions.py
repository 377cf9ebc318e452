"""Positions: how often a forward pass uses each weight of a layer."""

from __future__ import annotations

import keras

from tfprune.compress import traverse
from tfprune.core import cost
from tfprune.layers import prunable


def calls(model: keras.Model) -> dict[int, list]:
    """Returns what layers are called on, as the model's config has it.

    Args:
        model: Keras model. Of a subclassed one, which has no graph, only
            the Sequential and Functional models inside are read.

    Returns:
        Dict, id of a layer to one list of input shapes for each call.
    """
    found = {}
    _record(model, 1, found)
    for layer in traverse.walk(model):
        if _is_graph(layer) and id(layer) not in found:
            _record(layer, 1, found)
    return found


def positions(layer: keras.layers.Layer, shapes: list | None) -> int:
    """Returns how often one call uses each weight, for one example.

    That is output pixels of a convolution, input pixels of a transposed one,
    time steps of a recurrent layer, tokens of a dense one. What is not known
    counts as 1.

    Args:
        layer: Keras layer, built.
        shapes: List of input shapes, or None for those it was built on.
    """
    shapes = shapes or _built_on(layer)
    if isinstance(layer, keras.layers.EinsumDense):
        return _einsum_positions(layer, shapes)
    if "Transpose" in type(layer).__name__:
        return cost.positions(shapes[0], shapes[0][_channels(layer)])
    output = _output(layer, shapes)
    pixels = cost.positions(output, output[_channels(layer)] or 1)
    last_only = getattr(layer, "return_sequences", True) is False
    steps = shapes[0][1] if last_only and shapes else 1
    return pixels * (steps or 1)


def is_unknown(layer: keras.layers.Layer, shapes: list | None) -> bool:
    """Tells whether there are sizes that only a call settles."""
    shapes = shapes or _built_on(layer)
    return any(None in s[1:] for s in [*shapes, _output(layer, shapes)])


def _record(model, times, found):
    """Adds the calls of a model's layers, `times` over, to `found`."""
    found.setdefault(id(model), [])
    shapes = _graph(model) if _is_graph(model) else {}
    for layer in model.layers:
        mine = shapes.get(layer.name, [None]) * times
        if _is_graph(layer):
            _record(layer, len(mine), found)
        else:
            bare = isinstance(layer, prunable.Prunable)
            inner = layer.layer if bare else layer
            found.setdefault(id(inner), []).extend(mine)


def _is_graph(layer):
    return isinstance(layer, keras.Model) and traverse.is_container(layer)


def _graph(model):
    """Returns layer name to the input shapes of its calls."""
    if isinstance(model, keras.Sequential):
        return {}
    try:
        layers = model.get_config().get("layers", [])
    except NotImplementedError:  # from a layer without a config
        return {}
    return {
        layer["name"]: [
            _shapes(call["args"]) for call in layer["inbound_nodes"]
        ]
        for layer in layers
    }


def _shapes(value):
    """Returns the shapes of the serialized tensors in a nested value."""
    if isinstance(value, (list, tuple)):
        return [shape for item in value for shape in _shapes(item)]
    if isinstance(value, dict) and value.get("class_name") == (
        "__keras_tensor__"
    ):
        return [tuple(value["config"]["shape"])]
    return []


def _built_on(layer):
    config = layer.get_build_config() or {}
    shapes = config.get("shapes_dict", config)
    return [_first(shape) for shape in shapes.values() if shape]


def _output(layer, shapes):
    """The output shape; of one size, not known, if the layer can't tell."""
    try:
        return _first(layer.compute_output_shape(*shapes))
    except (NotImplementedError, TypeError, ValueError, IndexError):
        return (None, None)


def _einsum_positions(layer, shapes):
    """The product of the output sizes that the kernel does not have."""
    inputs, output = layer.equation.split("->")
    kernel = inputs.split(",")[1]
    sizes = _output(layer, shapes)[1:]
    free = [
        size
        for letter, size in zip(output[::-1], sizes[::-1], strict=False)
        if letter not in kernel
    ]
    return cost.positions((None, *free), 1)


def _channels(layer):
    """The axis of the channels, counted from the end."""
    first = getattr(layer, "data_format", None) == "channels_first"
    return -1 - layer.rank if first else -1


def _first(shape):
    """The first shape, where there are several."""
    several = isinstance(shape[0], (list, tuple))
    return _first(shape[0]) if several else tuple(shape)
