"""Schedules of TensorFlow Model Optimization, read but never imported.

Importing tfmot turns `tf.keras` into Keras 2 for the whole process; its
schedule objects say all there is to know in `get_config()`. Masks are decided
at the steps of tfmot, after update 1 for its step 0, and at `end_step`, where
tfmot leaves that out because `frequency` does not divide the way there.
"""

from __future__ import annotations

import typing

from tfprune.core import sparsity_schedules
from tfprune.core import update_schedules


def schedule(schedule: typing.Any):
    """The (update schedule, sparsity schedule) of a schedule of tfmot.

    Args:
        schedule: Object with tfmot's `get_config()`: a `PolynomialDecay` or
            a `ConstantSparsity`.

    Raises:
        ValueError: for anything else.
    """
    try:
        described = schedule.get_config()
        kind, config = described["class_name"], described["config"]
        return _CONVERTERS[kind](**config)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(
            "`schedule` must be tfmot's PolynomialDecay or ConstantSparsity. "
            f"Received: schedule={schedule!r}. For another one, build a "
            "Pruner with schedules of your own."
        ) from error


def _polynomial(
    initial_sparsity, final_sparsity, begin_step, end_step, power, frequency
):
    every = update_schedules.Every(frequency, begin_step, end_step)
    return every, sparsity_schedules.Polynomial(
        initial_sparsity, final_sparsity, begin_step, end_step, power
    )


def _constant(target_sparsity, begin_step, end_step, frequency):
    every = update_schedules.Every(frequency, begin_step, end_step)
    return every, sparsity_schedules.Constant(target_sparsity)


_CONVERTERS: dict[str, typing.Callable] = {
    "PolynomialDecay": _polynomial,
    "ConstantSparsity": _constant,
}
