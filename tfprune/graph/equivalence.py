"""equivalence: whether two models give the same, up to rounding."""

from __future__ import annotations

import keras
import numpy as np

from tfprune.graph import examples
from tfprune.graph import precision

_TOLERANCE = 1e-3
_ROUNDINGS = 4  # In the dtype of what is no float32.
_NUDGE = 1e-6  # About as much as a few roundings in float32.
_MARGIN = 10


def check(model: keras.Model, small: keras.Model) -> None:
    """Raises unless two models give the same for random input.

    Layers compute in float32 where their variables are: what is compared is
    not how they round. They may differ by a thousandth of the greatest output,
    or by four roundings of what computes in less.
    A model that magnifies differences, as deep ones with random weights do,
    magnifies roundings, too: it may differ by ten times what it makes of 1e-6
    of its input.

    Raises:
        RuntimeError: if they do not.
    """
    with precision.in_float32(model), precision.in_float32(small):
        _check(model, small)


def _check(model, small):
    inputs = examples.random(model)
    expected = _outputs(model, inputs)
    wrong = _distances(_outputs(small, inputs), expected)
    tolerance = max(_TOLERANCE, _ROUNDINGS * precision.rounding(model))
    allowed = [tolerance * _largest(x) for x in expected]
    if _within(wrong, allowed):
        return
    nudged = list(map(_nudged, inputs))
    noise = _distances(_outputs(model, nudged), expected)
    allowed = [max(x, _MARGIN * y) for x, y in zip(allowed, noise, strict=True)]
    if not _within(wrong, allowed):
        raise RuntimeError(
            "What replaces `model` must give what it gives. Received: outputs "
            f"that differ by {_listed(wrong)}, where {_listed(allowed)} is "
            "allowed. `model` is as it was. Please report it with the model's "
            "`get_config()`, and keep to tfprune.strip until then."
        )


def _within(wrong, allowed):
    return all(x <= limit for x, limit in zip(wrong, allowed, strict=True))


def _distances(outputs, expected):
    pairs = zip(outputs, expected, strict=True)
    return [_largest(one - other) for one, other in pairs]


def _largest(array):
    return np.max(np.abs(array), initial=0)


def _listed(numbers):
    return ", ".join(f"{x:.3g}" for x in numbers)


def _outputs(model, inputs):
    outputs = keras.tree.flatten(examples.call(model, *inputs))
    return [keras.ops.convert_to_numpy(x).astype("float64") for x in outputs]


def _nudged(array):
    if array.dtype != "float32":
        return array
    noise = np.random.default_rng(1).normal(size=array.shape)
    return (array * (1 + _NUDGE * noise)).astype("float32")
