"""CoupledAxis: the coupled channels along one axis of a variable."""

from __future__ import annotations

import numpy as np

from tfprune.utils import serialization


@serialization.formerly("TiedAxis")
@serialization.serializable
class CoupledAxis(serialization.Serializable):
    """Which ties the entries along one axis of a variable belong to.

    Args:
        name: String, the attribute of the layer that holds the variable.
        role: String: `"kernel"`, which makes the channels; `"scale"`, a
            depthwise kernel; `"bias"`, `"gamma"`, `"beta"`, `"mean"`.
        axis: Integer.
        runs: Tuple of pairs of integers, (first, count): consecutive ties;
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
        cls, name: str, role: str, axis: int, ties: np.ndarray
    ) -> CoupledAxis:
        """Returns the same from an array of ties, -1 for those that stay."""
        steps = np.where(ties[:-1] < 0, ties[1:] < 0, np.diff(ties) == 1)
        begins = np.flatnonzero(np.concatenate([[True], ~steps]))
        counts = np.diff([*begins, ties.size])
        return cls(
            name, role, axis, tuple(zip(ties[begins], counts, strict=True))
        )

    @property
    def ties(self) -> np.ndarray:
        """Integer array, the tie of each entry."""
        return np.concatenate(
            [
                np.full(count, -1)
                if first < 0
                else np.arange(first, first + count)
                for first, count in self.runs
            ]
        )
