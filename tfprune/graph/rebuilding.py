"""rebuilding: a model of the same graph, from configs that were changed."""

from __future__ import annotations

import dataclasses

import keras

from tfprune.graph import configs
from tfprune.graph import model_graph
from tfprune.graph import nodes
from tfprune.graph import traversal

_MADE_ANEW = ("build_config", "compile_config")


@dataclasses.dataclass(frozen=True)
class Changes:
    """What differs in a model that is built anew.

    Args:
        configs: Dict, id of a layer or operation to what changes in its
            config.
        arguments: Dict, id of an operation to what it is called with beside
            tensors where that changes: dict, place to argument.
        models: Dict, id of an operation to the Functional model that takes its
            place, or to None.
        bypassed: Dict, id of an operation to the number of the tensor that it
            takes and that is given in its place.
    """

    configs: dict[int, dict] = dataclasses.field(default_factory=dict)
    arguments: dict[int, dict] = dataclasses.field(default_factory=dict)
    models: dict[int, keras.Model] = dataclasses.field(default_factory=dict)
    bypassed: dict[int, int] = dataclasses.field(default_factory=dict)


def rebuild(graph: model_graph.ModelGraph, changes: Changes) -> keras.Model:
    """Builds a model anew whose layers differ in their configs and calls.

    The config of a class that is the user's own is neither asked for nor
    needed: nested models come back as Functional and Sequential ones, unless
    their classes leave to Keras how they are built and saved.

    Args:
        graph: `ModelGraph` of a Sequential or Functional model.
        changes: `Changes`.

    Returns:
        Keras model with fresh weights, not compiled. A layer that is shared
        between nested models is one in each of them, as Keras loads it.
    """
    _check(graph)
    own: dict[str, type] = {}
    entry = _entry(graph, graph.model, changes, own)
    return keras.saving.deserialize_keras_object(entry, own, safe_mode=False)


def _check(graph):
    """Raises where a layer does not take the config that it gives."""
    wrong = [x.name for x in graph.leaves if not configs.is_sound(x)]
    if wrong:
        raise ValueError(
            "`model` must have layers that Keras can make again: "
            "`type(layer).from_config(layer.get_config())`. Received: "
            f"{', '.join(wrong)}, for which that raises. A file of `model` "
            "could not be loaded either. Give these classes a `get_config` of "
            "all that their constructors take."
        )


def _entry(graph, model, changes, own):
    """A model as Keras saves it; notes the classes that are not Keras'."""
    found = graph.nodes(model)
    entry, config = _skeleton(model, found)
    for layer in config["layers"]:
        operation = found.operations[layer["config"]["name"]]
        _note(operation, own)
        if traversal.is_container(operation):
            layer.update(_entry(graph, operation, changes, own))
        _change(layer, config, id(operation), changes)
        for key in _MADE_ANEW:
            layer.pop(key, None)
    _note(model, own)
    return {**entry, "config": config}


def _change(layer, config, key, changes):
    """Changes one layer in the config of its model."""
    layer["config"].update(changes.configs.get(key, {}))
    nodes.set_arguments(layer, changes.arguments.get(key, {}))
    if changes.models.get(key) is not None:
        nodes.count_from_one(config, layer["config"]["name"])
        layer.update(keras.saving.serialize_keras_object(changes.models[key]))
    if key in changes.bypassed:
        nodes.bypass(layer, changes.bypassed[key])


def _skeleton(model, found):
    """What says the class of a model, and its config, both to be changed."""
    with nodes.named_only([model, *found.operations.values()]):
        if isinstance(model, keras.Sequential):
            plain = keras.Sequential(name=model.name)
            config = keras.Sequential.get_config(model)
        else:
            plain, config = found.plain, found.full_config()
        like = model if _is_built_as(model, plain) else plain
        entry = keras.saving.serialize_keras_object(like)
    return {k: x for k, x in entry.items() if k not in _MADE_ANEW}, config


def _is_built_as(model, plain):
    """Tells whether a class leaves to Keras how it is built and saved."""
    mine, keras_own = type(model), type(plain)
    names = ("__init__", "get_config")
    return (
        all(getattr(mine, x) is getattr(keras_own, x) for x in names)
        and mine.from_config.__func__ is keras_own.from_config.__func__
    )


def _note(operation, own):
    kind = type(operation)
    if not kind.__module__.startswith("keras."):
        own[kind.__name__] = kind
