"""Values that Keras can save and load: frozen dataclasses."""

from __future__ import annotations

import dataclasses
import sys
import typing

import keras

if typing.TYPE_CHECKING or sys.version_info >= (3, 11):
    from typing import dataclass_transform as dataclass_transform
else:

    def dataclass_transform(**_):
        """Python 3.10 has none; type checkers do not run this."""
        return lambda decorator: decorator


T = typing.TypeVar("T", bound=type)


@dataclass_transform(frozen_default=True)
def serializable(cls: T, package: str = "tfprune") -> T:
    """A class decorator: a frozen dataclass that Keras can save and load.

    Args:
        cls: Class with annotated fields.
        package: String, what the class is registered in. Defaults to
            `"tfprune"`.
    """
    register = keras.saving.register_keras_serializable(package)
    return register(dataclasses.dataclass(frozen=True, eq=True)(cls))


def formerly(*names: str, **fields: str) -> typing.Callable[[T], T]:
    """A class decorator: files with the former names of a class still load.

    Args:
        *names: Strings, former names of the class.
        **fields: Former name of a field, of it and its subclasses, to the
            present one.
    """

    def renamed(cls):
        if fields:
            cls.former_fields = {**cls.former_fields, **fields}
        for name in names:
            keras.saving.get_custom_objects()[f"tfprune>{name}"] = cls
        return cls

    return renamed


class Serializable:
    """Base of saved values: fields are the config, equality is by value."""

    former_fields: typing.ClassVar[dict[str, str]] = {}

    def get_config(self) -> dict:
        save = keras.saving.serialize_keras_object
        return {
            field.name: save(getattr(self, field.name))
            for field in dataclasses.fields(self)  # type: ignore[arg-type]
        }

    @classmethod
    def from_config(cls, config: dict, custom_objects=None):
        return cls.from_fields(
            **{
                cls.former_fields.get(name, name): (
                    keras.saving.deserialize_keras_object(
                        value, custom_objects=custom_objects
                    )
                )
                for name, value in config.items()
            }
        )

    @classmethod
    def from_fields(cls, **fields):
        """An instance with these fields, whatever the constructor takes."""
        return cls(**fields)
