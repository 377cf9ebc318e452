"""Operation: the class of what is known of one kind of Keras operation."""

from __future__ import annotations

import math

import keras
import numpy as np

from tfprune.compress.filters import constants
from tfprune.graph import calls

KNOWN: dict[str, Operation] = {}


class Unsupported(Exception):
    """Why the channels that a call takes and gives must stay."""


class Operation:
    """What is known of one kind of Keras operation.

    A subclass answers the questions below; what it leaves out is taken as not
    known. Its definition registers it, and `registry` finds all modules of
    this folder: there is no list to add it to.

    Labels are integer arrays with the number of the channel that each entry
    of a tensor belongs to, of size 1 along axes where that is the same.

    Attributes:
        names: Set of strings, the classes that it covers: `"Dense"` for one
            of Keras' own, layers and `keras.ops` alike, and
            `"package.module.Class"` for others. Subclasses may do anything.
        takes_one: Bool: it must not be called with more tensors than one.
        takes_numbers: Bool: it may be called with arrays of one entry.
    """

    names: set[str] = set()
    takes_one = False
    takes_numbers = False

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        KNOWN.update(dict.fromkeys(cls.__dict__.get("names", set()), cls()))

    def unsupported_reason(self, call) -> str | None:
        """Why nothing is known of a `calls.Call`, or None."""
        if call.kwargs.get("training"):
            return "it is called with `training=True`"
        leaves = keras.tree.flatten((call.args, call.kwargs))
        others = [
            leaf
            for leaf in leaves
            if hasattr(leaf, "dtype") and not isinstance(leaf, calls.Tensor)
        ]
        if self.takes_numbers:
            others = [x for x in others if math.prod(x.shape) != 1]
        if others:
            return "it takes an array that is not computed"
        if self.takes_one and len(call.tensors) > 1:
            return "its arguments are computed"
        return None

    def couple(self, call, channels) -> list:
        """Couples the channels of what a call takes, uses and gives.

        Args:
            call: `calls.Call`, its `inputs` the labels of what it takes.
            channels: `channels.Channels`.

        Returns:
            List of labels, for each tensor that the call gives.

        Raises:
            Unsupported: if all these channels must stay.
        """
        raise Unsupported("it is not known what it does to channels")

    def propagate(self, call, reads) -> list:
        """What is constant of what a call gives.

        Args:
            call: `calls.Call`, its `inputs` the `constants.Constant` of each
                tensor that it takes.
            reads: `constant_propagation.Reads`, for the constants that a
                kernel reads.

        Returns:
            List of `constants.Constant`, for each tensor that the call gives.

        Raises:
            Unsupported: if nothing is known of them.
        """
        ranks = [len(shape or (None,)) for shape in call.shapes]
        return [constants.unknown(rank) for rank in ranks]

    def readers(self, call) -> list:
        """The kernels that read what a layer takes: list of `Reader`."""
        return []

    def rebuild(self, call, stays: np.ndarray) -> dict:
        """What changes in a config that holds a number of channels.

        Args:
            call: `calls.Call` that was given to `Channels.size`.
            stays: Bool array, of the shape of the labels that were given
                there: which of these channels stay. A dict of such where they
                were a dict.
        """
        return {}

    def rescale(self, call, stays: np.ndarray) -> list[tuple]:
        """Pairs (variable, function): what changes for fewer channels.

        The function takes an array of the entries that stay, and gives one for
        the variable in their place.

        Args:
            call: As `rebuild` takes it.
            stays: As `rebuild` takes it.
        """
        return []

    def replace(self, call, stays: np.ndarray) -> keras.Model | None:
        """A model of the same variables that takes its place, or None.

        Args:
            call: As `rebuild` takes it.
            stays: As `rebuild` takes it.
        """
        return None

    def recall(self, call, stays: np.ndarray) -> dict:
        """What else the operation is called with: place to argument.

        Args:
            call: As `rebuild` takes it.
            stays: As `rebuild` takes it.
        """
        return {}
