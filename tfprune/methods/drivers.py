"""What callbacks that work between training steps have in common."""

from __future__ import annotations

import keras


def check_interval(model: keras.Model, interval: int) -> None:
    """Raises unless a callback can act every `interval` steps.

    Callbacks run between two executions of a graph, each of which is
    `steps_per_execution` steps.
    """
    every = model.steps_per_execution
    if interval % every:
        raise ValueError(
            "`steps_per_execution` must divide `interval`, since a driver "
            f"runs between two executions. Received: steps_per_execution="
            f"{every}, interval={interval}."
        )
