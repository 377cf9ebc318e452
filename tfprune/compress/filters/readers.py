"""readers: kernels, as matrices over all that one of their filters reads."""

from __future__ import annotations

import dataclasses
import typing

import numpy as np

from tfprune import backend
from tfprune.compress.filters import layout

_LEAST_ROWS = 20_000
_ROWS_PER_COLUMN = 20
_EXAMPLES = 32  # Whose rows are made at once.


@dataclasses.dataclass(frozen=True, eq=False)
class Reader:
    """A kernel, and how what it reads is found.

    Args:
        part: Layer with a `kernel`, and with a `bias` or None.
        read: Tuple of integers, the axes of the kernel that are read, in the
            order of the columns of `rows`.
        rows: Callable, list of tensors, what the layer takes, to an array
            `(numbers, columns)`: what each filter reads for each number that
            it gives.
    """

    part: typing.Any
    read: tuple[int, ...]
    rows: typing.Callable

    @property
    def made(self) -> tuple[int, ...]:
        """The other axes of the kernel."""
        rank = len(self.part.kernel.shape)
        return tuple(axis for axis in range(rank) if axis not in self.read)

    @property
    def columns(self) -> int:
        """How many weights each filter has."""
        shape = self.part.kernel.shape
        return int(np.prod([shape[axis] for axis in self.read]))

    def matrix(self) -> np.ndarray:
        """The kernel, `(columns, filters)`, in float64."""
        value = np.asarray(backend.to_numpy(self.part.kernel), "float64")
        order = (*self.read, *self.made)
        return value.transpose(order).reshape(self.columns, -1)

    def assign(self, matrix: np.ndarray) -> None:
        """Writes a matrix, as `matrix` gives it, to the kernel."""
        kernel, order = self.part.kernel, (*self.read, *self.made)
        value = matrix.reshape([kernel.shape[axis] for axis in order])
        kernel.assign(value.transpose(np.argsort(order)))

    def left(self, kept: dict) -> list[np.ndarray]:
        """Which columns, and which filters, are left.

        Args:
            kept: Dict, id of a variable and axis to a bool array.
        """
        kernel = self.part.kernel
        return [
            self._mask(axes, kernel, kept) for axes in (self.read, self.made)
        ]

    def labels(self, channels: dict) -> list[np.ndarray]:
        """The channel of each column, for each axis that channels lie along.

        Args:
            channels: Dict, id of a variable and axis to its channels.
        """
        kernel = self.part.kernel
        shape = [kernel.shape[axis] for axis in self.read]
        found = [
            layout.along(channels[id(kernel), axis], place, len(shape))
            for place, axis in enumerate(self.read)
            if (id(kernel), axis) in channels
        ]
        return [np.broadcast_to(own, shape).ravel() for own in found]

    def some_rows(self, given: list) -> np.ndarray:
        """Rows at places all over the examples, as many as a fit needs."""
        wanted = max(_LEAST_ROWS, _ROWS_PER_COLUMN * self.columns)
        chunks = range(0, len(given[0]), _EXAMPLES)
        found, every = [], None
        for begin in chunks:
            rows = self.rows([x[begin : begin + _EXAMPLES] for x in given])
            every = every or max(1, len(rows) * len(chunks) // wanted)
            found.append(rows[::every])
        return np.concatenate(found).astype("float64")

    @staticmethod
    def _mask(axes, kernel, kept):
        mask = np.ones([kernel.shape[axis] for axis in axes], bool)
        for place, axis in enumerate(axes):
            own = kept.get((id(kernel), axis))
            if own is not None:
                mask &= layout.along(own, place, mask.ndim)
        return mask.ravel()
