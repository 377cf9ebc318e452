"""channel_sets: numbers that can be made equal, a union-find in arrays."""

from __future__ import annotations

import collections

import numpy as np


class ChannelSets:
    """Numbers of channels that can be made equal, and fixed.

    Labels are integer arrays with a number for each entry of a tensor, of
    size 1 along axes where all entries have the same.

    Args:
        prefer: Callable `(counts, axis, rank) -> sortable`: of several axes
            that a tensor's channels lie along, those of the greatest stay, of
            `counts` numbers. Defaults to None: the most, or the last of them.
    """

    def __init__(self, prefer=None):
        self._prefer = prefer or most
        self._parents = np.zeros(0, int)
        self._fixed = collections.defaultdict(list)

    @property
    def count(self) -> int:
        """How many numbers there are, used or not."""
        return self._parents.size

    def fresh(self, count):
        """New numbers."""
        begin = self._parents.size
        own = np.arange(begin, begin + count)
        self._parents = np.concatenate([self._parents, own])
        return own

    def find(self, labels):
        """The one number of each set."""
        labels = np.asarray(labels)
        while True:
            above = self._parents[labels]
            if np.array_equal(above, labels):
                return labels
            labels = above

    def unite(self, one, other):
        """Makes two arrays of numbers equal, entry by entry."""
        while True:
            one, other = self.find(one), self.find(other)
            low, high = np.minimum(one, other), np.maximum(one, other)
            if np.array_equal(low, high):
                return
            np.minimum.at(self._parents, high, low)

    def fix(self, labels, reason):
        """Records that some numbers must stay, and why."""
        self._fixed[reason].append(np.ravel(labels))

    def fixed(self, rank, reason):
        """One number for all of a tensor, that must stay."""
        label = self.fresh(1).reshape([1] * rank)
        self.fix(label, reason)
        return label

    def barriers(self):
        """The numbers that must stay, by the reasons for it."""
        return {
            reason: np.unique(self.find(np.concatenate(labels)))
            for reason, labels in self._fixed.items()
        }

    def squeezed(self, labels):
        """Labels with size 1 for axes along which they are equal."""
        labels = self.find(labels)
        for axis in range(labels.ndim):
            first = labels.take([0], axis)
            labels = first if np.all(labels == first) else labels
        return labels

    def along_one_axis(self, labels):
        """Makes labels equal along all axes but the one that is preferred.

        What is removed of a tensor must be whole slices of it.
        """
        labels = self.squeezed(labels)
        if sum(size > 1 for size in labels.shape) < 2:
            return labels
        each = [_slices(labels, axis) for axis in range(labels.ndim)]
        counts = [self._count(rows) for rows in each]
        best = max(
            range(labels.ndim),
            key=lambda axis: self._prefer(counts[axis], axis, labels.ndim),
        )
        self.unite(each[best][:, :1], each[best])
        return self.squeezed(labels)

    def vector(self, labels, axis, size):
        """The number of each slice along an axis."""
        rows = _slices(labels, axis)
        self.unite(rows[:, :1], rows)
        return np.broadcast_to(self.find(rows[:, 0]), (size,))

    def _count(self, rows):
        """How many sets are left if each row becomes one."""
        trial = ChannelSets(self._prefer)
        known, flat = np.unique(rows, return_inverse=True)
        own, rows = trial.fresh(known.size), flat.reshape(rows.shape)
        trial.unite(rows[:, :1], rows)
        return np.unique(trial.find(own)).size


def most(count: int, axis: int, rank: int) -> tuple:
    """Prefers the axis with the most numbers, then the last or the first."""
    return count, axis == rank - 1, -axis


def heads(count: int, axis: int, rank: int) -> tuple:
    """Prefers, of what has four axes, the first with several numbers.

    Channels that are cut into heads and what is in them are heads.
    """
    return (
        rank > 3 and count > 1,
        -axis if rank > 3 else 0,
        *most(count, axis, rank),
    )


def _slices(labels, axis):
    return np.moveaxis(labels, axis, 0).reshape(labels.shape[axis], -1)
