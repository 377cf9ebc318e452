"""CoupledAxis: the coupled channels along one axis of a variable."""

from __future__ import annotations

import numpy as np

from tfprune.utils import serialization


@serialization.formerly("TiedAxis")
@serialization.serializable
class CoupledAxis(serialization.Serializable):
    """Which coupled channels the entries along one axis belong to.

    Args:
        name: String, the attribute of the layer that holds the variable.
        role: String: `"kernel"`, which makes the channels; `"scale"`, a
            depthwise kernel; `"bias"`, `"gamma"`, `"beta"`, `"mean"`.
        axis: Integer.
        runs: Tuple of pairs of integers, (first, count): consecutive channels;
            first is -1 for entries that stay.
    """

    name: str
    role: str
    axis: int
    runs: tuple

    def __post_init__(self):
        runs = tuple((int(first), int(count)) for first, count in self.runs)
        object.__setattr__(self, "runs", runs)

    @classmethod
    def of(
        cls, name: str, role: str, axis: int, channels: np.ndarray
    ) -> CoupledAxis:
        """Packs an array of channel numbers, -1 for entries that stay."""
        steps = np.where(
            channels[:-1] < 0, channels[1:] < 0, np.diff(channels) == 1
        )
        begins = np.flatnonzero(np.concatenate([[True], ~steps]))
        counts = np.diff([*begins, channels.size])
        return cls(
            name, role, axis, tuple(zip(channels[begins], counts, strict=True))
        )

    @property
    def channels(self) -> np.ndarray:
        """Integer array, the channel of each entry."""
        return np.concatenate(
            [
                np.full(count, -1)
                if first < 0
                else np.arange(first, first + count)
                for first, count in self.runs
            ]
        )
