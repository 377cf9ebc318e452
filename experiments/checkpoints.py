"""Checkpoints: one file that holds all of a run, or is not there.

A file has the model's configuration, so that a run resumes behind a stage
that changed shapes, how it is pruned in place, the variables of model and
optimizer, seeds and masks included, and where the run was. It is written
beside its place and moved there.
"""

from __future__ import annotations

import json
import os
import typing
import zipfile

import keras
import numpy as np

from tfprune import backend
from tfprune.exporters import files
from tfprune.graph import pruned
from tfprune.optimizers import model_state

_FORMAT = "tfprune-checkpoint-1"


class Checkpoint(typing.NamedTuple):
    """What a file holds.

    Args:
        model: Keras model with its weights and masks, not compiled.
        optimizer: List of arrays, the optimizer's variables.
        progress: Dict of plain values, where the run was.
    """

    model: keras.Model
    optimizer: list[np.ndarray]
    progress: dict


def save(path, model: keras.Model, progress: dict) -> None:
    """Writes a checkpoint of a compiled model, all or nothing.

    Args:
        path: Path of the file.
        model: Keras model; its optimizer, if built, is saved with it.
        progress: Dict of plain values, returned by `load`.
    """
    config = keras.saving.serialize_keras_object(model)
    config.pop("compile_config", None)
    about = {
        "format": _FORMAT,
        "model": config,
        "pruned": model_state.get_config(model),
        "progress": progress,
    }
    optimizer = getattr(model, "optimizer", None)
    optimizer = optimizer.variables if optimizer else []
    arrays = {
        **_numbered("model", _variables(model)),
        **_numbered("optimizer", optimizer),
    }
    files.write_atomically(
        path,
        lambda file: np.savez(
            file, about=np.array(json.dumps(about)), **arrays
        ),
    )


def load(path) -> Checkpoint:
    """Reads a checkpoint.

    Raises:
        ValueError: for a file that is damaged or of another kind.
    """
    arrays = read_arrays(path)
    about = _about(path, arrays)
    model = keras.saving.deserialize_keras_object(about["model"])
    model_state.restore(model, about.get("pruned"))
    restore(_variables(model), _list(arrays, "model"), path)
    return Checkpoint(model, _list(arrays, "optimizer"), about["progress"])


def restore(variables, arrays, path) -> None:
    """Assigns arrays to variables after checking that they fit.

    Raises:
        ValueError: and changes nothing, where a count or shape differs.
    """
    expected = [tuple(variable.shape) for variable in variables]
    received = [array.shape for array in arrays]
    if expected != received:
        raise ValueError(
            f"`path` must hold arrays of the shapes {expected}. Received: "
            f"path={str(path)!r} with {received}. It was saved by another "
            "model or method."
        )
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def initialize(model: keras.Model, path) -> None:
    """Starts a model from the weights of any Keras or tfprune file.

    Args:
        model: Keras model, built.
        path: A `.keras`, `.h5` or `.weights.h5` file, or a checkpoint.

    Raises:
        ValueError: for a missing or damaged file, or other shapes.
    """
    if not os.path.exists(path):
        raise ValueError(
            "`init` must be a .keras, .weights.h5 or checkpoint file. "
            f"Received: init={str(path)!r}, which does not exist."
        )
    if str(path).endswith(".weights.h5"):
        model.load_weights(path)
        return
    if str(path).endswith((".keras", ".h5")):
        source = keras.saving.load_model(path, compile=False)
    else:
        source = load(path).model
    arrays = [backend.to_numpy(variable) for variable in source.weights]
    restore(model.weights, arrays, path)


def read_arrays(path) -> dict[str, np.ndarray]:
    """Reads a whole .npz file, checksums included.

    Raises:
        ValueError: if it is truncated or not such a file.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (zipfile.BadZipFile, ValueError, EOFError, OSError) as error:
        raise ValueError(
            f"`path` must be a whole .npz file. Received: {str(path)!r}, "
            f"which is damaged or of another kind ({error}). Delete it to "
            "start again, or give the file's right place."
        ) from error


def _about(path, arrays):
    about = json.loads(str(arrays.get("about", "{}")))
    if about.get("format") != _FORMAT:
        raise ValueError(
            f"`path` must be a checkpoint of tfprune ({_FORMAT}). Received: "
            f"{str(path)!r}, a file of another program. To start from the "
            "weights of a .keras file, give it as `init`."
        )
    return about


def _variables(model):
    """All of a model's variables: Keras' weights leave out random seeds."""
    metrics = {id(v) for metric in model.metrics for v in metric.variables}
    own = [v for v in model.variables if id(v) not in metrics]
    return [*own, *pruned.hidden_variables(model)]


def _numbered(prefix, variables):
    return {
        f"{prefix}/{index}": backend.to_numpy(variable)
        for index, variable in enumerate(variables)
    }


def _list(arrays, prefix):
    count = sum(name.startswith(f"{prefix}/") for name in arrays)
    return [arrays[f"{prefix}/{index}"] for index in range(count)]
