"""A file for archives and downloads: what was kept, entropy-coded.

Which weights are there and what they are is coded by shares that are learned
on the way (`positions`, `values`), to the last bit; the architecture is packed
by words that configs of Keras have. A file is read part by part, each of which
has a checksum.
"""

from __future__ import annotations

import copy
import zlib

import keras
import numpy as np

from tfprune import backend
from tfprune.exporters import description
from tfprune.exporters import files
from tfprune.exporters.compact import architecture
from tfprune.exporters.compact import arrays
from tfprune.exporters.compact import container
from tfprune.graph import cloning
from tfprune.utils import validation

is_one = container.is_one
MOST = 1 << 32


def save(model: keras.Model, path) -> None:
    """Writes a model, without its optimizer.

    Args:
        model: Keras model without `Prunable` layers.
        path: The file to write.
    """
    files.write_atomically(
        path, lambda file: container.write(file, _parts(model))
    )


def load(path, max_bytes: int = MOST) -> keras.Model:
    """Reads a model that `save` wrote; plain Keras layers, dense weights.

    Args:
        path: The file.
        max_bytes: Integer, of the model's weights: a small file may unpack to
            a large model. Defaults to 4 GiB.

    Raises:
        ValueError: for a file of another kind or version, a damaged one, or
            one of a larger model.
    """
    validation.check_count("max_bytes", max_bytes, least=1)
    with open(path, "rb") as file:
        try:
            return _load(container.Parts(file), max_bytes)
        except ImportError:
            raise
        except Exception as error:  # Keras builds whatever the file says.
            raise ValueError(
                "`path` must be a compact model of tfprune, whole. Received: "
                f"path={str(path)!r}: {error}"
            ) from error


def sizes(path) -> dict[str, int]:
    """Returns the `"file_bytes"`, and the `"weight_bytes"` of them."""
    with open(path, "rb") as file:
        parts = container.Parts(file)
        about = architecture.from_bytes(parts.read())
        for _ in about["files"]:
            parts.read()
        begin, end = file.tell(), file.seek(0, 2)
    return {"file_bytes": end, "weight_bytes": end - begin}


def _parts(model):
    kept = description.files(model)
    about = {"model": description.config(model), "files": list(kept)}
    yield architecture.to_bytes(about)
    yield from map(zlib.compress, kept.values())
    for group in _groups(model):
        yield arrays.encode(backend.to_numpy(variable) for variable in group)


def _load(parts, max_bytes):
    about = architecture.from_bytes(parts.read())
    _check_size(about["model"], max_bytes)
    kept = {name: _unpack(parts.read(), max_bytes) for name in about["files"]}
    model = keras.saving.deserialize_keras_object(about["model"])
    for group in _groups(model):
        like = [(tuple(x.shape), backend.numpy_dtype(x)) for x in group]
        found = arrays.decode(parts.read(), like)
        for variable, array in zip(group, found, strict=True):
            variable.assign(array)
    parts.finish()
    description.set_files(model, kept)
    cloning.refresh(model)
    return model


def _check_size(config, max_bytes):
    """Builds the model without weights, which would take the memory."""
    config = copy.deepcopy(config)  # Keras takes it apart.
    with keras.StatelessScope(initialize_variables=False):
        model = keras.saving.deserialize_keras_object(config)
        size = sum(map(_bytes, model.weights))
    validation.check(
        "max_bytes", max_bytes, size <= max_bytes, f"{size} or more"
    )


def _bytes(variable):
    return int(np.prod(variable.shape)) * backend.numpy_dtype(variable).itemsize


def _unpack(data, max_bytes):
    opener = zlib.decompressobj()
    content = opener.decompress(data, max_bytes)
    if not opener.eof:
        raise ValueError(f"it has a file of more than {max_bytes} bytes")
    return content


def _groups(model):
    variables = model.weights
    numbers = [int(np.prod(x.shape)) for x in variables]
    return [[variables[i] for i in group] for group in arrays.groups(numbers)]
