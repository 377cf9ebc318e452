"""What a model is besides its weights: a config, and files of its layers."""

from __future__ import annotations

import pathlib
import tempfile

import keras

from tfprune.graph import traversal

_ZEROS = keras.saving.serialize_keras_object(keras.initializers.Zeros())


def config(model: keras.Model) -> dict:
    """The config of a model, as `keras.saving` has it, without training."""
    described = keras.saving.serialize_keras_object(model)
    described.pop("compile_config", None)
    return for_any_keras(described)


def for_any_keras(described):
    """Leaves out what older versions of Keras do not know.

    That is how weights were initialized, which are all stored, and how they
    are quantized, where they are not.
    """
    if isinstance(described, list):
        return [for_any_keras(item) for item in described]
    if not isinstance(described, dict):
        return described
    if described.get("module") == "keras.initializers":
        return _ZEROS
    return {
        name: for_any_keras(item)
        for name, item in described.items()
        if name != "quantization_config" or item is not None
    }


def files(model: keras.Model) -> dict[str, bytes]:
    """What layers keep beside their weights, such as vocabularies, by name."""
    return {
        f"{number}/{path.name}": content
        for number, layer in enumerate(_with_files(model))
        for path, content in _written(layer)
    }


def set_files(model: keras.Model, given: dict[str, bytes]) -> None:
    """Gives layers what `files` returned of a model with the same config."""
    for number, layer in enumerate(_with_files(model)):
        begin = f"{number}/"
        own = {
            pathlib.PurePosixPath(name).name: content
            for name, content in given.items()
            if name.startswith(begin)
        }
        if own:
            _read(layer, own)


def _with_files(model):
    below = traversal.walk(model)
    return [layer for layer in below if hasattr(layer, "save_assets")]


def _written(layer):
    with tempfile.TemporaryDirectory() as folder:
        layer.save_assets(folder)
        paths = sorted(pathlib.Path(folder).iterdir())
        return [(path, path.read_bytes()) for path in paths]


def _read(layer, contents):
    with tempfile.TemporaryDirectory() as folder:
        for name, content in contents.items():
            pathlib.Path(folder, name).write_bytes(content)
        layer.load_assets(folder)
