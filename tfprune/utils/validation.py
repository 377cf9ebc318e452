"""Checks of arguments, and the one form of error that they raise."""

from __future__ import annotations

import collections.abc
import difflib
import numbers

import keras
import numpy as np


def check(name: str, value, condition: bool, expected: str) -> None:
    """Raises a ValueError unless a condition holds."""
    if not condition:
        raise ValueError(
            f"`{name}` must be {expected}. Received: {name}={value}"
        )


def check_sparsity(name: str, value: float) -> None:
    """Raises unless `value` is a fraction of zeros in [0, 1)."""
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    check(name, value, is_number and 0.0 <= value < 1.0, "in [0, 1)")


def check_count(name: str, value: int, least: int = 0) -> None:
    """Raises unless `value` is an integer that is not below `least`."""
    is_count = isinstance(value, numbers.Integral) and value >= least
    check(name, value, is_count, f"an integer from {least} on")


def pair(name: str, value) -> tuple[int, int]:
    """One or two integers from 1 on as two, or raises."""
    both = (value, value) if isinstance(value, int) else tuple(value)
    right = len(both) == 2 and all(isinstance(x, int) and x > 0 for x in both)
    check(name, value, right, "one or two integers from 1 on")
    return both


def unknown(argument: str, value, known: collections.abc.Iterable) -> str:
    """What was expected, what was received, and the nearest name.

    Args:
        argument: Name of the argument.
        value: What was received.
        known: The names that would have been right.
    """
    known = [str(name) for name in known]
    close = difflib.get_close_matches(str(value), known, 1, 0.4)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return (
        f"`{argument}` must be one of: {', '.join(known) or 'nothing'}. "
        f"Received: {argument}={value!r}.{hint}"
    )


def check_layer(layer, *kinds: type) -> None:
    """Raises unless `layer` is a built layer of one of some kinds."""
    is_built = getattr(layer, "built", False)
    if not isinstance(layer, kinds) or not is_built:
        names = " or ".join(kind.__name__ for kind in kinds)
        built = "" if is_built else ", not built"
        raise ValueError(
            f"`layer` must be a {names}, built. Received: a "
            f"{type(layer).__name__}{built}."
        )


def check_finite(name: str, variables) -> None:
    """Raises if any weights are NaN or infinite, and says which.

    Args:
        name: String, the argument that they belong to.
        variables: Keras variables.
    """
    wrong = [
        variable.path
        for variable in variables
        if "float" in variable.dtype
        and not np.isfinite(keras.ops.convert_to_numpy(variable)).all()
    ]
    if wrong:
        raise ValueError(
            f"`{name}` must have finite weights. Received: NaN or infinity in "
            f"{', '.join(wrong)}. Load weights from before they became so, or "
            "train with a lower learning rate or clipped gradients."
        )
