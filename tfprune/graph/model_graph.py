"""What layers are called on and what follows them, as configs have it."""

from __future__ import annotations

import collections
import typing

import keras

from tfprune.graph import traversal
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
    for layer in traversal.walk(model):
        if _is_graph(layer) and id(layer) not in found:
            _record(layer, 1, found)
    return found


def built_on(layer: keras.layers.Layer) -> list:
    """Returns the input shapes that a layer was built on."""
    config = layer.get_build_config() or {}
    shapes = config.get("shapes_dict", config)
    return [first(shape) for shape in shapes.values() if shape]


def first(shape) -> tuple:
    """Returns the first shape, where there are several."""
    several = isinstance(shape[0], (list, tuple))
    return first(shape[0]) if several else tuple(shape)


def conv_groups(model: keras.Model) -> dict[str, int]:
    """Returns name to the number of groups, of grouped convolutions.

    Args:
        model: Keras model, built.
    """
    return {
        layer.name: layer.groups
        for layer in traversal.walk(model)
        if getattr(layer, "groups", 1) > 1 and hasattr(layer, "kernel_size")
    }


def sole_followers(model: keras.Model) -> dict[int, keras.layers.Layer]:
    """Returns what follows each layer that is followed by one thing alone.

    Args:
        model: Sequential or Functional model; nested ones are read, too.

    Returns:
        Dict, id of a layer that is called once to the layer that is called
        once, on its output, where nothing else takes that output.
    """
    places = _places(model)
    return {
        source: target
        for one in _graphs(model)
        for source, target in _sole_followers(one).items()
        if places[source] == places[id(target)] == 1
    }


def _graphs(model):
    """Returns a model and all Sequential and Functional ones in it, once."""
    found = {id(x): x for x in [model, *traversal.walk(model)] if _is_graph(x)}
    return found.values()


def _places(model):
    """Returns the id of a layer to the number of models that it is in."""
    return collections.Counter(
        id(layer) for one in _graphs(model) for layer in one.layers
    )


class Addition(typing.NamedTuple):
    """An `Add` layer that is called once, on two tensors of equal shape.

    Args:
        layer: The layer.
        sources: For each of the two: the layer that it comes from, if that is
            called once, on one tensor, and nothing else takes it; else None.
    """

    layer: keras.layers.Add
    sources: list


def additions(model: keras.Model) -> list[Addition]:
    """Returns the additions of a model and of the Functional models in it.

    Args:
        model: Sequential or Functional model. Nothing below a Sequential model
            is read: its layers cannot be called in another way.
    """
    places = _places(model)

    def alone(layer):
        return layer if places[id(layer)] == 1 else None

    return [
        Addition(layer, list(map(alone, sources)))
        for layer, sources in _all_additions(model)
        if alone(layer)
    ]


def _all_additions(model):
    if not _is_graph(model) or isinstance(model, keras.Sequential):
        return []
    inner = [x for layer in model.layers for x in _all_additions(layer)]
    return _additions(model) + inner


def _additions(model):
    layers = {layer.name: layer for layer in model.layers}
    pairs, times, shapes = edges(model), _times(model), _graph(model)
    users = collections.Counter(source for source, _ in pairs)
    tensors = collections.Counter(target for _, target in pairs)

    def alone(name):
        once = users[name] == tensors[name] == times.get(name) == 1
        return layers.get(name) if once else None

    return [
        Addition(layer, [alone(x) for x, to in pairs if to == layer.name])
        for layer in model.layers
        if type(layer) is keras.layers.Add
        and _are_two_alike(shapes[layer.name])
    ]


def _are_two_alike(calls):
    """Tells whether there is one call, on two tensors of equal, known shape."""
    if [len(shapes) for shapes in calls] != [2]:
        return False
    ((one, two),) = calls
    return one == two and None not in one[1:]


def _sole_followers(model):
    layers = {layer.name: layer for layer in model.layers}
    chain = isinstance(model, keras.Sequential)
    pairs = _chain(model) if chain else edges(model)
    users = collections.Counter(source for source, _ in pairs)
    tensors = collections.Counter(target for _, target in pairs)
    times = {} if chain else _times(model)
    return {
        id(layers[source]): layers[target]
        for source, target in pairs
        if {source, target} <= layers.keys()
        and users[source] == tensors[target] == 1
        and times.get(source, 1) <= 1
    }


def _chain(model):
    names = [layer.name for layer in model.layers]
    return list(zip(names, [*names[1:], None], strict=True))


def edges(model):
    """Returns pairs of names, one for each tensor that a call takes.

    What the model returns has the target None.
    """
    config = model.get_config()
    edges = [
        (source, layer["name"])
        for layer in config["layers"]
        for call in layer["inbound_nodes"]
        for source in _sources(call)
    ]
    return edges + [(name, None) for name in _outputs(config["output_layers"])]


def _times(model):
    """Returns the name of each layer to how often it is called."""
    config = model.get_config()
    return {x["name"]: len(x["inbound_nodes"]) for x in config["layers"]}


def _sources(value):
    """Returns the layers whose tensors are in a nested value."""
    if isinstance(value, (list, tuple)):
        return [source for item in value for source in _sources(item)]
    if not isinstance(value, dict):
        return []
    if value.get("class_name") == "__keras_tensor__":
        return [value["config"]["keras_history"][0]]
    return [source for item in value.values() for source in _sources(item)]


def _outputs(value):
    """Returns the layers of a nested list of `[name, call, tensor]`."""
    if isinstance(value, dict):
        value = list(value.values())
    if len(value) == 3 and isinstance(value[0], str):
        return [value[0]]
    return [name for item in value for name in _outputs(item)]


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
    return isinstance(layer, keras.Model) and traversal.is_container(layer)


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
