"""verify: a written model must answer as the one in memory."""

from __future__ import annotations

import pathlib
import shutil

import keras
import numpy as np

from tfprune.exporters import signature
from tfprune.graph import examples
from tfprune.graph import precision

_TOLERANCE = 1e-5
_ROUNDINGS = 4  # In the dtype of what is no float32.


def save_verified(model: keras.Model, path: pathlib.Path, save, load) -> None:
    """Saves, reloads and compares; leaves nothing where that fails.

    Args:
        model: Keras model.
        path: Where to save.
        save: Callable `(model, path)`.
        load: Callable `path -> callable on arrays`.

    Raises:
        ValueError: if the reloaded model answers otherwise.
    """
    _remove(path)
    try:
        save(model, path)
        _compare(model, load(path))
    except BaseException:
        _remove(path)
        raise


def _compare(model, reloaded):
    inputs = examples.random(model, 4, 8)
    expected = signature.call(model, inputs)
    if isinstance(reloaded, keras.Model):
        received = signature.call(reloaded, inputs)
    else:
        received = reloaded(*inputs)
    # What computes in less rounds as its graph is cut and fused.
    tolerance = max(_TOLERANCE, _ROUNDINGS * precision.rounding(model))
    for name, one in expected.items():
        one, other = map(keras.ops.convert_to_numpy, (one, received[name]))
        scale = np.max(np.abs(one[np.isfinite(one)]), initial=1.0)
        if not np.allclose(one, other, atol=tolerance * scale, equal_nan=True):
            raise ValueError(
                f"`model`: output {name!r} of the exported copy must equal "
                "that of the model. Received: a difference of "
                f"{np.max(np.abs(one - other))}. Nothing was written."
            )


def _remove(path):
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
