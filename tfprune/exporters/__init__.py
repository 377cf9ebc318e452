"""Exports that prove themselves."""

from __future__ import annotations

import pathlib
import warnings

import keras

from tfprune.compress import strip
from tfprune.compress.filters import remove
from tfprune.exporters import compact
from tfprune.exporters import inference
from tfprune.exporters import npz
from tfprune.exporters import saved_model
from tfprune.exporters import verify
from tfprune.exporters.compact import rate_distortion
from tfprune.graph import cloning
from tfprune.utils import validation

__all__ = ["choose_bits", "export", "load_compact", "to_function"]

choose_bits = rate_distortion.choose_bits
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
            the suffix `.keras`, `.tfprune` or `.npz`.
        format: `"saved_model"` for plain TensorFlow, `"keras"` for plain
            Keras, `"compact"` and `"npz"` for what
            `tfprune.exporters.load_compact` reads. `"compact"` is the smallest
            one: without filters and units that give nothing, entropy-coded to
            the last bit; it needs `pip install 'tfprune[compact]'`. `"npz"`,
            which NumPy reads, has the positions and values of what was kept.

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


def load_compact(path, max_bytes: int = compact.MOST) -> keras.Model:
    """Reads a model of the formats `"compact"` and `"npz"`.

    Args:
        path: The file.
        max_bytes: Integer, of weights: a small `"compact"` file may unpack to
            a large model. Defaults to 4 GiB.

    Returns:
        A model of plain Keras layers, with dense weights; not compiled.

    Raises:
        ValueError: for a file of another kind or version, a damaged one, or
            one with more weights.
        ImportError: for `"compact"`, where `tfprune[compact]` is not installed.
    """
    if compact.is_one(path):
        return compact.load(path, max_bytes)
    return npz.load(path)


def _save_compact(model, path):
    compact.save(_without_dead_units(model), path)


def _without_dead_units(model):
    """Without what gives zeros or constants, where that is known to be so."""
    copy = _copy(model)
    try:
        return remove.remove_filters(copy).model
    except (ValueError, RuntimeError) as error:
        warnings.warn(
            f"units that give nothing stay in the file: {error}", stacklevel=4
        )
        return copy


def _save_keras(model, path):
    # Its optimizer, and masks, might need tfprune.
    _copy(model).save(path)


def _copy(model):
    return cloning.clone(model, lambda layer, copied: copied)


def _load_keras(path):
    return keras.saving.load_model(path, compile=False)


_FORMATS = {
    "saved_model": (saved_model.save, saved_model.load, ""),
    "keras": (_save_keras, _load_keras, ".keras"),
    "compact": (_save_compact, compact.load, ".tfprune"),
    "npz": (npz.save, npz.load, ".npz"),
}
