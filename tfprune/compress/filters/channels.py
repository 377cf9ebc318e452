"""Channels: which are coupled, and the variables and configs they are in."""

from __future__ import annotations

import dataclasses
import typing

import keras
import numpy as np

from tfprune.compress.filters import channel_sets


@dataclasses.dataclass(frozen=True, eq=False)
class ChannelAxis:
    """One axis of one variable whose entries belong to channels.

    Args:
        variable: Keras variable.
        axis: Integer.
        channels: Integer array, `(variable.shape[axis],)`, their numbers.
        role: `"filter"`: the channels that a layer makes; `"input"`: those
            that it reads; `"shift"` and `"scale"`: what is added to them and
            multiplied with them; `"mean"` and `"variance"`: statistics.
        layer: The layer.
        where: String, its name, that of nested models before it.
        zero: Float, what entries are where a channel gives nothing. Defaults
            to 0.
        is_cut: Bool: entries go with their channels. Defaults to True.
    """

    variable: typing.Any
    axis: int
    channels: np.ndarray
    role: str
    layer: typing.Any
    where: str
    zero: float = 0.0
    is_cut: bool = True


class Channels(channel_sets.ChannelSets):
    """The channels of a model, as `Operation.couple` finds them."""

    def __init__(self, prefer=None):
        super().__init__(prefer)
        self._axes, self._shapes, self._parts = {}, {}, []

    def axis(self, call, name, axis, role, labels=None):
        """Couples an axis of a layer's variable, if it has it, with channels.

        Args:
            call: `calls.Call` of the layer.
            name: String, the attribute that holds the variable.
            axis: Integer, may be negative.
            role: String, as of `ChannelAxis`.
            labels: Integer array, or None for channels that are new.

        Returns:
            Integer array, `(variable.shape[axis],)`, the channels.
        """
        variable = getattr(call.operation, name, None)
        return self.of(call, variable, axis, role, labels)

    def of(self, call, variable, axis, role, labels=None, **more):
        """As `axis`, of a variable wherever it is; None for one of none.

        What there is more is for `ChannelAxis`.
        """
        if variable is None:
            return labels
        axis %= len(variable.shape)
        key = id(variable), axis
        if key not in self._axes:
            own = self.fresh(variable.shape[axis])
            self._axes[key] = ChannelAxis(
                variable, axis, own, role, call.operation, call.where, **more
            )
        if labels is not None:
            self.unite(self._axes[key].channels, labels)
        return self._axes[key].channels

    def size(self, call, labels):
        """Records that a config holds their number, for `rebuild`.

        Of several numbers the labels are a dict.
        """
        key = id(call.operation)
        _, known = self._shapes.setdefault(key, (call, labels))
        keras.tree.map_structure(self.unite, known, labels)
        return labels

    def part(self, labels):
        """Records that a tensor has these channels: one must stay."""
        self._parts.append(np.ravel(labels))

    @property
    def axes(self) -> list[ChannelAxis]:
        """The axes of variables that belong to channels."""
        return [
            dataclasses.replace(axis, channels=self.find(axis.channels))
            for axis in self._axes.values()
        ]

    @property
    def shapes(self) -> list[tuple]:
        """Pairs: a call of what holds their number, and labels."""
        return [
            (call, keras.tree.map_structure(self.find, labels))
            for call, labels in self._shapes.values()
        ]

    @property
    def parts(self) -> list[np.ndarray]:
        """The channels of each tensor that has a part of a layer's."""
        return list(map(self.find, self._parts))
