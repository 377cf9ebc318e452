"""quantize_weights: fewer bits for each weight that was kept."""

from __future__ import annotations

import numbers

import keras
import numpy as np

from tfprune import backend
from tfprune.compress import strip
from tfprune.graph import cloning
from tfprune.graph import traversal
from tfprune.numerics import kmeans
from tfprune.utils import validation

BITS = range(2, 7)
LEVELS = 127  # Steps from zero to what is largest.
_FLOAT16, _BFLOAT16 = 10, 7  # Bits of a fraction.


def quantize_weights(model: keras.Model, values) -> keras.Model:
    """Gives weights values that take few bits in a compact file.

    Zeros stay zeros, and the arithmetic that of floats: what shrinks is the
    file, not the time. A codebook is as in Deep Compression (Han et al.,
    "Deep Compression", ICLR 2016): the kernel and the bias of a layer share
    values.

    Args:
        model: Sequential or Functional model without `Prunable` layers.
        values: `"float16"`: 11 significant bits; `"int8"`: kernels are 127
            steps of each filter's largest weight at most, the rest as
            `"float16"`; or an integer from 2 to 6: of each layer at most
            `2**values - 1` values that are not zero. A dict gives these by
            names of layers, `None` for float32; layers that it lacks stay, and
            namesakes in nested models are treated alike.

    Returns:
        A new model with float weights of such values; not compiled.

    Raises:
        ValueError: for other values, an unknown layer, weights that are not
            finite, or a model that cannot be cloned.

    Example:

    ```python
    small = tfprune.compress.quantize_weights(tfprune.strip(model), "int8")
    tfprune.export(small, "net.tfprune", format="compact")
    ```
    """
    strip.check_stripped(model, "quantize_weights")
    validation.check_finite("model", model.weights)
    clone = cloning.clone(model, lambda layer, copied: copied)
    layers = [
        layer
        for layer in traversal.walk(clone)
        if not traversal.is_container(layer)
    ]
    by_name = _by_layer(values, {layer.name for layer in layers})
    for layer in layers:
        if by_name.get(layer.name) is not None:
            _quantize(layer, by_name[layer.name])
    return clone


def _by_layer(values, layers):
    by_name = values
    if not isinstance(values, dict):
        by_name = dict.fromkeys(layers, values)
    for name, ways in by_name.items():
        if name not in layers:
            raise ValueError(validation.unknown("values", name, layers))
        if ways is not None:
            _check(ways)
    return by_name


def _check(values):
    is_count = isinstance(values, numbers.Integral) and values in BITS
    known = values in ("float16", "int8") or is_count
    expected = "'float16', 'int8', or an integer from 2 to 6"
    validation.check("values", values, known, expected)


def _quantize(layer, values):
    own = [x for x in layer.weights if "float" in x.dtype]
    arrays = [backend.to_numpy(x).astype("float32") for x in own]
    if not arrays:
        return
    if values == "float16" or all(x.ndim < 2 for x in arrays):
        new = [_rounded(x, _FLOAT16) for x in arrays]
    elif values == "int8":
        new = [_stepped(x) for x in arrays]
    else:
        new = _looked_up(arrays, values)
    for variable, array in zip(own, new, strict=True):
        variable.assign(array)


def _stepped(array):
    """Whole multiples of a step for each filter, whose fraction is short."""
    if array.ndim < 2:
        return _rounded(array, _FLOAT16)
    axes = tuple(range(array.ndim - 1))
    largest = np.max(np.abs(array), axis=axes)
    steps = _rounded(largest / np.float32(LEVELS), _FLOAT16)
    steps = np.where(steps > 0, steps, 1).astype("float32")
    levels = np.clip(np.rint(array / steps), -LEVELS, LEVELS)
    return levels.astype("float32") * steps + 0.0  # No negative zeros.


def _looked_up(arrays, bits):
    kept = np.concatenate([x[x != 0] for x in arrays])
    if not kept.size:
        return arrays
    means = kmeans.cluster_numbers(kept, 2**bits - 1)
    means = np.unique(_rounded(means, _BFLOAT16))
    return [
        np.where(x != 0, means[kmeans.nearest(x, means)], 0).astype("float32")
        for x in arrays
    ]


def _rounded(array, fraction):
    """Rounded to some bits behind the first; no exponent is out of range."""
    mantissas, exponents = np.frexp(array)
    scale = np.float32(2.0 ** (fraction + 1))
    return np.ldexp(np.rint(mantissas * scale) / scale, exponents).astype(
        "float32"
    )
