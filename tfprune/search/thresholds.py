"""Thresholds of one's own: pruning a live model by hand, between two steps."""

from __future__ import annotations

import typing

import keras
import numpy as np

from tfprune.planning import rules
from tfprune.search import problem as problem_lib
from tfprune.utils import validation


def set_thresholds(
    model: keras.Model, thresholds: typing.Any, setting: str = "c"
) -> None:
    """Prunes a live model by thresholds of your own, between two steps.

    The masks change at once, and the model keeps the settings.

    Args:
        model: Keras model that is pruned.
        thresholds: Dict, layer name to a number; or one number for each
            layer, in the order of `tfprune.settings`.
        setting: String, what they are: surgery's `"c"` (default), threshold
            surgery's `"z"`, or `"target_sparsity"`.

    Raises:
        ValueError: for an unknown layer or setting, or another count; nothing
            is changed then.

    Example:

    ```python
    tfprune.search.set_thresholds(model, {"ip1": 5.0, "ip2": 3.0})
    print(tfprune.search.pruned_accuracy(model, held_out))
    ```
    """
    found = rules.having(rules.rules(model), setting)
    rules.apply(found, setting, _by_layer(thresholds, found))


def pruned_accuracy(
    model: keras.Model,
    data: tuple,
    thresholds: typing.Any = None,
    setting: str = "c",
) -> float:
    """The accuracy of a model as it is, or as it would be.

    It changes nothing: thresholds given here are tried only.

    Args:
        model: Keras model that is pruned.
        data: Tuple of arrays (examples, labels).
        thresholds: As `set_thresholds` takes them, or None (default): the
            model as it is.
        setting: As for `set_thresholds`.

    Raises:
        ValueError: as for `set_thresholds`.
    """
    found = rules.having(rules.rules(model), setting)
    values = _by_layer(thresholds if thresholds is not None else {}, found)
    problem = problem_lib.Problem(model, data, 0.0, setting)
    row = [values.get(name, np.nan) for name in problem.layers]
    return problem.evaluate([row])[0].accuracy


def _by_layer(thresholds, found):
    """Layer name to threshold."""
    names = [name for rule in found for name in rule.units]
    if not isinstance(thresholds, dict):
        values = np.ravel(thresholds).tolist()
        if len(values) != len(names):
            raise ValueError(
                f"`thresholds` must be {len(names)} numbers, one for each of "
                f"{', '.join(names)}. Received: thresholds={values}"
            )
        return dict(zip(names, values, strict=True))
    for name in thresholds:
        if name not in names:
            raise ValueError(validation.unknown("thresholds", name, names))
    return {name: float(value) for name, value in thresholds.items()}
