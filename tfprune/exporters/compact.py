"""A model in the space of what was kept: shapes, flat indices, values."""

from __future__ import annotations

import json
import pathlib
import tempfile
import zipfile

import keras
import numpy as np

from tfprune import backend
from tfprune.exporters import files
from tfprune.graph import cloning
from tfprune.graph import traversal

_FORMAT = "tfprune-compact-1"
_ASSETS = "assets"
_ZEROS = keras.saving.serialize_keras_object(keras.initializers.Zeros())


def save(model: keras.Model, path) -> None:
    """Writes a model as a compressed npz file, without its optimizer.

    Arrays of which less than half is non-zero are stored as flat indices and
    values, the others whole; vocabularies are files of Keras in it.

    Args:
        model: Keras model without `Prunable` layers.
        path: The file to write.
    """
    config = keras.saving.serialize_keras_object(model)
    config.pop("compile_config", None)
    about = json.dumps({"format": _FORMAT, "model": config})
    arrays = {"about": np.array(about)}
    for index, variable in enumerate(model.weights):
        arrays.update(_encode(index, backend.to_numpy(variable)))
    for number, layer in enumerate(_with_assets(model)):
        arrays.update(_files_of(number, layer))
    files.write_atomically(
        path,
        lambda file: np.savez_compressed(file, **arrays),  # type: ignore[arg-type]
    )


def load(path) -> keras.Model:
    """Reads a model that `save` wrote; plain Keras layers, dense weights.

    Raises:
        ValueError: for a file of another kind.
    """
    about, arrays = _read(pathlib.Path(path))
    if about.get("format") != _FORMAT:
        raise ValueError(
            f"`path` must be a compressed model of tfprune ({_FORMAT}). "
            f"Received: path={str(path)!r}"
        )
    config = _for_any_keras(about["model"])
    model = keras.saving.deserialize_keras_object(config)
    for index, variable in enumerate(model.weights):
        variable.assign(_decode(index, arrays))
    for number, layer in enumerate(_with_assets(model)):
        _read_files(number, layer, arrays)
    cloning.refresh(model)
    return model


def _read(path):
    """What a file says of itself, nothing if it is foreign."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return json.loads(str(arrays["about"])), arrays
    except (ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile):
        return {}, {}


def _with_assets(model):
    """The layers that keep files beside their weights, such as vocabularies."""
    below = traversal.walk(model)
    return [layer for layer in below if hasattr(layer, "save_assets")]


def _files_of(number, layer):
    with tempfile.TemporaryDirectory() as folder:
        layer.save_assets(folder)
        return {
            f"{_ASSETS}/{number}/{path.name}": np.fromfile(path, "uint8")
            for path in pathlib.Path(folder).iterdir()
        }


def _read_files(number, layer, arrays):
    begin = f"{_ASSETS}/{number}/"
    with tempfile.TemporaryDirectory() as folder:
        for name in arrays:
            if name.startswith(begin):
                own = pathlib.Path(folder, pathlib.PurePosixPath(name).name)
                arrays[name].tofile(own)
        if any(pathlib.Path(folder).iterdir()):
            layer.load_assets(folder)


def _for_any_keras(config):
    """Leaves out what older versions of Keras do not know.

    That is how weights were initialized, which are all stored, and how they
    are quantized, where they are not.
    """
    if isinstance(config, list):
        return [_for_any_keras(item) for item in config]
    if not isinstance(config, dict):
        return config
    if config.get("module") == "keras.initializers":
        return _ZEROS
    return {
        name: _for_any_keras(item)
        for name, item in config.items()
        if name != "quantization_config" or item is not None
    }


def _encode(index, array):
    flat = array.reshape(-1)
    places = np.flatnonzero(flat)
    if 2 * places.size >= flat.size:
        return {f"{index}/dense": array}
    return {
        f"{index}/shape": np.array(array.shape, "int64"),
        f"{index}/indices": places.astype(_smallest(flat.size)),
        f"{index}/values": flat[places],
    }


def _decode(index, arrays):
    if f"{index}/dense" in arrays:
        return arrays[f"{index}/dense"]
    values = arrays[f"{index}/values"]
    shape = tuple(arrays[f"{index}/shape"])
    array = np.zeros(shape, values.dtype)
    array.reshape(-1)[arrays[f"{index}/indices"]] = values
    return array


def _smallest(size):
    return "uint32" if size <= 2**32 else "uint64"
