"""A model in the space of what was kept: shapes, flat indices, values."""

from __future__ import annotations

import json
import pathlib
import zipfile

import keras
import numpy as np

from tfprune import backend
from tfprune.exporters import description
from tfprune.exporters import files
from tfprune.graph import cloning

_FORMAT = "tfprune-compact-1"
_ASSETS = "assets"


def save(model: keras.Model, path) -> None:
    """Writes a model as a compressed npz file, without its optimizer.

    Arrays of which less than half is non-zero are stored as flat indices and
    values, the others whole; vocabularies are files of Keras in it.

    Args:
        model: Keras model without `Prunable` layers.
        path: The file to write.
    """
    config = description.config(model)
    about = json.dumps({"format": _FORMAT, "model": config})
    arrays = {"about": np.array(about)}
    for index, variable in enumerate(model.weights):
        arrays.update(_encode(index, backend.to_numpy(variable)))
    for name, content in description.files(model).items():
        arrays[f"{_ASSETS}/{name}"] = np.frombuffer(content, "uint8")
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
    config = description.for_any_keras(about["model"])
    model = keras.saving.deserialize_keras_object(config)
    for index, variable in enumerate(model.weights):
        variable.assign(_decode(index, arrays))
    description.set_files(model, _files(arrays))
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


def _files(arrays):
    begin = f"{_ASSETS}/"
    return {
        name.removeprefix(begin): array.tobytes()
        for name, array in arrays.items()
        if name.startswith(begin)
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
