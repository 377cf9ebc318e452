"""Csr: sparse weights as a value."""

from __future__ import annotations

import hashlib
import typing

import numpy as np
import tensorflow as tf

UNSTAMPED = 0


class Csr(typing.NamedTuple):
    """A sparse matrix in compressed rows, one row for each output.

    Row `i` has `values[row_offsets[i]:row_offsets[i + 1]]` in the columns
    `column_indices[row_offsets[i]:row_offsets[i + 1]]`.

    Args:
        values: float32, bfloat16 or float16 of shape `(nonzeros,)`.
        column_indices: int32 of shape `(nonzeros,)`.
        row_offsets: int32 of shape `(rows + 1,)`.
        columns: Integer.
        stamp: int64 scalar that stands for the three arrays. The compiled ops
            prepare weights once for each stamp; with 0, the default, they do
            so in every run, as weights need that are being trained.

    Example:

    ```python
    weights = Csr.from_dense(kernel.T)
    outputs = csr_matmul(inputs, weights)
    ```
    """

    values: typing.Any
    column_indices: typing.Any
    row_offsets: typing.Any
    columns: int
    stamp: typing.Any = UNSTAMPED

    @classmethod
    def from_dense(cls, array) -> Csr:
        """The nonzeros of an array, with a stamp.

        Args:
            array: Float array of shape `(rows, columns)`.
        """
        array = np.asarray(array)
        if array.ndim != 2:
            raise ValueError(
                "`array` must have shape (rows, columns). Received: "
                f"array.shape={array.shape}"
            )
        rows, columns = np.nonzero(array)
        offsets = np.searchsorted(rows, np.arange(len(array) + 1))
        parts = (
            array[rows, columns],
            columns.astype("int32"),
            offsets.astype("int32"),
        )
        return cls(*parts, array.shape[1], stamp(*parts))

    @property
    def rows(self) -> int:
        return self.row_offsets.shape[0] - 1

    def to_dense(self):
        """A tensor of shape `(rows, columns)`, differentiable."""
        counts = self.row_offsets[1:] - self.row_offsets[:-1]
        rows = tf.repeat(tf.range(tf.shape(counts)[0]), counts)
        where = tf.stack([rows, tf.cast(self.column_indices, "int32")], axis=1)
        shape = (tf.shape(counts)[0], self.columns)
        return tf.scatter_nd(where, self.values, shape)


def stamp(*arrays) -> np.int64:
    """A number that stands for the content of arrays; never 0."""
    digest = hashlib.blake2b(digest_size=8)
    for array in arrays:
        array = np.ascontiguousarray(array)
        digest.update(f"{array.dtype} {array.shape} ".encode())
        digest.update(array.tobytes())
    number = int.from_bytes(digest.digest(), "little", signed=True)
    return np.int64(number or 1)
