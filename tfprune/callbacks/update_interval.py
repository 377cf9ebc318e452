"""Drivers: Keras callbacks that change a net between two training steps."""

from __future__ import annotations

import keras


def check_steps(model: keras.Model, interval: int) -> None:
    """Raises where a driver would not see every step that it works after.

    Args:
        model: Keras model, compiled.
        interval: Integer, steps from one time to the next.
    """
    every = model.steps_per_execution
    if interval % every:
        raise ValueError(
            "`steps_per_execution` must divide the interval of what is "
            f"done between two executions. Received: "
            f"steps_per_execution={every}, interval={interval}."
        )
