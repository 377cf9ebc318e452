"""MKL's inspector and executor of sparse products, through its C interface."""

import ctypes
import functools
import pathlib
import sys

import numpy as np

_BY_COLUMNS = 102


def open_product(layer, threads):
    """Returns a function that multiplies, and one that returns the product."""
    folder = pathlib.Path(sys.prefix, "lib")
    ctypes.CDLL(str(next(folder.glob("libiomp5.so*"))), ctypes.RTLD_GLOBAL)
    mkl = ctypes.CDLL(str(next(folder.glob("libmkl_rt.so*"))))
    mkl.MKL_Set_Num_Threads(threads)
    weights = _matrix(mkl, layer.matrix)
    x, y = layer.pixels, np.empty_like(layer.y)
    # Pixels by rows are their transpose by columns, and so is what it gives.
    plain, one, none = 10, ctypes.c_float(1), ctypes.c_float(0)
    before = plain, one, weights, _General()
    (rows, columns), pixels = layer.matrix.shape, len(x)
    if pixels == 1:
        run = functools.partial(
            mkl.mkl_sparse_s_mv, *before, _address(x), none, _address(y)
        )
        mkl.mkl_sparse_set_mv_hint(weights, plain, _General(), 1000)
    else:
        run = functools.partial(
            mkl.mkl_sparse_s_mm,
            *before,
            _BY_COLUMNS,
            *(_address(x), pixels, columns, none, _address(y), rows),
        )
        mkl.mkl_sparse_set_mm_hint(
            weights, plain, _General(), _BY_COLUMNS, pixels, 1000
        )
    mkl.mkl_sparse_optimize(weights)
    return run, lambda _: y


class _General(ctypes.Structure):
    """MKL's description of a general matrix: type, part and diagonal."""

    _fields_ = [(name, ctypes.c_int) for name in ("type", "part", "diagonal")]

    def __init__(self):
        super().__init__(20, 40, 50)


def _matrix(mkl, matrix):
    rows, columns = np.nonzero(matrix)
    offsets = np.searchsorted(rows, np.arange(len(matrix) + 1)).astype("int32")
    arrays = (
        offsets,
        offsets[1:],
        columns.astype("int32"),
        matrix[rows, columns],
    )
    handle = ctypes.c_void_p()
    handle.arrays = arrays  # MKL does not copy them.
    failed = mkl.mkl_sparse_s_create_csr(
        ctypes.byref(handle), 0, *matrix.shape, *map(_address, arrays)
    )
    if failed:
        raise ValueError(f"MKL refused the matrix: status {failed}")
    return handle


def _address(array):
    return array.ctypes.data_as(ctypes.c_void_p)
