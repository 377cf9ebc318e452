"""What all verbs of compression return: a model, and how it came about."""

from __future__ import annotations

import abc
import dataclasses

import keras


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Compressed(abc.ABC):
    """A compressed model. Print it for a table.

    Args:
        model: Keras model.
        class_change: String: which class the model has, where that is not the
            class of the model given; else empty.
    """

    model: keras.Model
    class_change: str = ""

    @abc.abstractmethod
    def lines(self) -> list[str]:
        """The lines of the table."""

    def __str__(self) -> str:
        note = [self.class_change] if self.class_change else []
        return "\n".join([*self.lines(), *note])


def class_change(given: keras.Model, made: keras.Model) -> str:
    """A sentence on the class of a result; "" if it is that of `given`.

    Layers are exchanged by building the graph of a model anew, which keeps
    no methods of the user's own.
    """
    old, new = type(given), type(made)
    if old is new:
        return ""
    bases = [base.__name__ for base in old.__mro__ if base is new]
    kind = f" (a subclass of {bases[0]})" if bases else ""
    return f"{old.__name__}{kind} comes back as a {new.__name__}"
