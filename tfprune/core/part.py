"""Part: what every piece of a method is: a value that can be saved."""

from __future__ import annotations

import dataclasses
import functools
import numbers

import keras

register = keras.saving.register_keras_serializable(package="tfprune")


def part(cls):
    """Makes a class a frozen dataclass that Keras can save and load."""
    frozen = dataclasses.dataclass(frozen=True, eq=True)(cls)
    return register(frozen)


class Part:
    """Base of all parts: fields are the config, equality is by value."""

    def get_config(self) -> dict:
        save = keras.saving.serialize_keras_object
        return {
            field.name: save(getattr(self, field.name))
            for field in dataclasses.fields(self)
        }

    @classmethod
    def from_config(cls, config: dict, custom_objects=None):
        load = functools.partial(
            keras.saving.deserialize_keras_object,
            custom_objects=custom_objects,
        )
        return cls(**{name: load(value) for name, value in config.items()})


def check(name: str, value, condition: bool, expected: str) -> None:
    """Raises the one form of error that the parts of a method give."""
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
    """Returns one or two integers from 1 on as two, or raises."""
    both = (value, value) if isinstance(value, int) else tuple(value)
    right = len(both) == 2 and all(isinstance(x, int) and x > 0 for x in both)
    check(name, value, right, "one or two integers from 1 on")
    return both
