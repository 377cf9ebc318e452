"""Sparse forms of a layer: the layers that could run in its place."""

from __future__ import annotations

import keras
import numpy as np

from tfprune import backend
from tfprune.layers import sparse_conv2d
from tfprune.layers import sparse_dense
from tfprune.layers import sparse_winograd_conv2d
from tfprune.layers import winograd_conv2d

SPARSE, WINOGRAD = "sparse", "winograd"
# Coefficients that are so small beside the largest one are what rounding left
# of those that training made zero.
_ROUNDING = 1e-6


def known(layer: keras.layers.Layer) -> bool:
    """Tells whether a layer has sparse forms."""
    return type(layer) in _FORMS


def forms(layer: keras.layers.Layer, values_dtype: str) -> dict:
    """Returns names to layers that compute the same with sparse weights.

    Args:
        layer: Built layer of a known kind, `channels_last`.
        values_dtype: String, how values are stored.
    """
    return _FORMS[type(layer)](layer, values_dtype)


def _of_dense(layer, values_dtype):
    own = sparse_dense.SparseDense.from_dense(layer, values_dtype)
    return {SPARSE: own}


def _of_conv2d(layer, values_dtype):
    """A convolution may be sparse in two domains."""
    found = {SPARSE: sparse_conv2d.SparseConv2D.from_dense(layer, values_dtype)}
    if winograd_conv2d.WinogradConv2D.misfit(layer) is None:
        own = winograd_conv2d.WinogradConv2D.from_conv2d(layer)
        kernel = np.abs(backend.to_numpy(own.kernel))
        kept = ~(kernel <= _ROUNDING * kernel.max(initial=0))
        own.kernel.assign(own.kernel * kept)
        found |= _of_winograd(own, values_dtype)
    return found


def _of_winograd(layer, values_dtype):
    kind = sparse_winograd_conv2d.SparseWinogradConv2D
    return {WINOGRAD: kind.from_dense(layer, values_dtype)}


_FORMS = {
    keras.layers.Dense: _of_dense,
    keras.layers.Conv2D: _of_conv2d,
    winograd_conv2d.WinogradConv2D: _of_winograd,
}
