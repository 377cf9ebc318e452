"""Values that Keras can save and load: frozen dataclasses."""

from __future__ import annotations

import dataclasses
import functools

import keras

register = keras.saving.register_keras_serializable(package="tfprune")


def serializable(cls):
    """Makes a class a frozen dataclass that Keras can save and load."""
    frozen = dataclasses.dataclass(frozen=True, eq=True)(cls)
    return register(frozen)


def formerly(*names: str):
    """Makes files that name a class as it was once called load it still."""

    def named(cls):
        for name in names:
            keras.saving.get_custom_objects()[f"tfprune>{name}"] = cls
        return cls

    return named


class Serializable:
    """Base of saved values: fields are the config, equality is by value."""

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
