"""Which layer follows which, as a model's config has it."""

from __future__ import annotations

import collections

import keras

from tfprune.compress import traverse


def sole_followers(model: keras.Model) -> dict[int, keras.layers.Layer]:
    """Returns what follows each layer that is followed by one thing alone.

    Args:
        model: Sequential or Functional model; nested ones are read, too.

    Returns:
        Dict, id of a layer that is called once to the layer that is called
        once, on its output, where nothing else takes that output.
    """
    found = {}
    for one in [model, *traverse.walk(model)]:
        if isinstance(one, keras.Model) and traverse.is_container(one):
            found |= _sole_followers(one)
    return found


def _sole_followers(model):
    layers = {layer.name: layer for layer in model.layers}
    edges = _chain(model) if _is_chain(model) else _edges(model)
    users = collections.Counter(source for source, _ in edges)
    calls = collections.Counter(target for _, target in edges)
    return {
        id(layers[source]): layers[target]
        for source, target in edges
        if target is not None
        and users[source] == calls[target] == 1
        and calls[source] <= 1
    }


def _is_chain(model):
    return isinstance(model, keras.Sequential)


def _chain(model):
    names = [layer.name for layer in model.layers]
    return list(zip(names, [*names[1:], None], strict=True))


def _edges(model):
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
