"""Exports that prove themselves."""

from __future__ import annotations

import pathlib

import keras

from tfprune.compress import strip
from tfprune.exporters import compact
from tfprune.exporters import inference
from tfprune.exporters import saved_model
from tfprune.exporters import verify
from tfprune.graph import cloning
from tfprune.utils import validation

__all__ = ["export", "load_compact", "to_function"]

load_compact = compact.load
to_function = inference.to_function


def export(
    model: keras.Model, path, format: str = "saved_model"
) -> pathlib.Path:
    """Writes a model for serving, and checks what it wrote.

    Of a model that is pruned in place it writes the masked weights, as if it
    were stripped; the model is not changed.

    Args:
        model: Sequential or Functional model without `Prunable` layers.
        path: The folder to make (`saved_model`) or the file to write, with
            the suffix `.keras` or `.npz`.
        format: `"saved_model"` for plain TensorFlow, `"keras"` for plain
            Keras, `"npz"` for the compressed model of
            `tfprune.exporters.load_compact`.

    Returns:
        The path. It exists only if a reloaded copy answered as the model.

    Raises:
        ValueError: for an unknown format, a model with `Prunable` layers, a
            path that exists already or has another suffix, or a reloaded
            copy that answers otherwise.
    """
    if format not in _FORMATS:
        raise ValueError(validation.unknown("format", format, _FORMATS))
    strip.check_stripped(model, "export")
    strip.warn_of_undecided(model)
    path = pathlib.Path(path)
    save, load, suffix = _FORMATS[format]
    if suffix and path.suffix != suffix:
        raise ValueError(
            f"`path` must end in {suffix} for `format={format}`. Received: "
            f"path={str(path)!r}"
        )
    if path.exists():
        raise ValueError(
            "`path` must not exist yet. Received: "
            f"path={str(path)!r}. Remove it first, or give another one."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".tfprune-{path.name}")
    verify.save_verified(model, beside, save, load)
    beside.rename(path)
    return path


def _save_keras(model, path):
    # Its optimizer, and masks, might need tfprune.
    cloning.clone(model, lambda layer, copied: copied).save(path)


def _load_keras(path):
    return keras.saving.load_model(path, compile=False)


_FORMATS = {
    "saved_model": (saved_model.save, saved_model.load, ""),
    "keras": (_save_keras, _load_keras, ".keras"),
    "npz": (compact.save, compact.load, ".npz"),
}
