"""Sparse forms of a layer: the layers that could run in its place."""

from __future__ import annotations

import keras
import numpy as np

from tfprune import backend
from tfprune import ops
from tfprune.layers import filter_shape_conv2d
from tfprune.layers import local_response_normalization
from tfprune.layers import parts
from tfprune.layers import sparse_conv2d
from tfprune.layers import sparse_dense
from tfprune.layers import sparse_einsum_dense
from tfprune.layers import sparse_response_normalization
from tfprune.layers import sparse_winograd_conv2d
from tfprune.layers import winograd_conv2d

DIRECT = {
    keras.layers.Dense: sparse_dense.SparseDense,
    keras.layers.EinsumDense: sparse_einsum_dense.SparseEinsumDense,
    keras.layers.Conv2D: sparse_conv2d.SparseConv2D,
    keras.layers.DepthwiseConv2D: sparse_conv2d.SparseConv2D,
}
SPARSE, COLUMNS, WINOGRAD = "sparse", "columns", "winograd"
_RECURRENT = keras.layers.RNN, keras.layers.Bidirectional
_NEVER = [
    (keras.layers.Embedding, "its rows are looked up, nothing is multiplied"),
    (_RECURRENT, "it multiplies step by step, in a loop of Keras"),
    (parts.ATTENTION, "masks of Keras reach it, so it stays one layer"),
]
# Coefficients that are so small beside the largest one are what rounding left
# of those that training made zero.
_ROUNDING = 1e-6


def known(layer: keras.layers.Layer) -> bool:
    """Tells whether a layer has sparse forms."""
    return type(layer) in _FORMS


def why_none(layer: keras.layers.Layer) -> str:
    """Why neither a layer of no known kind nor what is in it runs sparse."""
    for kinds, reason in _NEVER:
        if isinstance(layer, kinds):
            return reason
    return f"{type(layer).__name__} has no sparse form, and is one layer"


def unsupported_reason(layer: keras.layers.Layer) -> str:
    """Why a layer of a known kind has no sparse form; "" if it has."""
    if layer.quantization_mode:
        return f"is quantized: {layer.quantization_mode}"
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        return "is channels_first"
    if type(layer) is keras.layers.EinsumDense:
        kind = sparse_einsum_dense.SparseEinsumDense
        return kind.unsupported_reason(layer) or ""
    return ""


def needs_zeros(layer: keras.layers.Layer) -> bool:
    """Tells whether a layer of a known kind has sparse forms by zeros alone.

    A depthwise convolution is one without the weights between channels.
    """
    return type(layer) is not keras.layers.DepthwiseConv2D


def kernel(layer: keras.layers.Layer) -> np.ndarray:
    """What a layer of a known kind multiplies by, zeros included."""
    kind = local_response_normalization.LocalResponseNormalization
    is_norm = type(layer) is kind
    return layer.band if is_norm else backend.to_numpy(layer.kernel)


def sparsity(layer: keras.layers.Layer) -> float:
    """The share of zeros in what a layer of a known kind multiplies by."""
    own = kernel(layer)
    return 1 - np.count_nonzero(own) / max(own.size, 1)


def forms(layer: keras.layers.Layer, values_dtype: str, gain: float) -> dict:
    """Layers, by name, that compute the same and skip zeros.

    Args:
        layer: Built layer of a known kind, `channels_last`.
        values_dtype: String, how values are stored.
        gain: Float, the part of its work that must be skipped.
    """
    found = {}
    if ops.library.load().ops is not None:
        found = _FORMS[type(layer)](layer, values_dtype)
    if _has_columns(layer, gain):
        kind = filter_shape_conv2d.FilterShapeConv2D
        found[COLUMNS] = kind.from_dense(layer)
    return found


def _direct(layer, values_dtype):
    return {SPARSE: DIRECT[type(layer)].from_dense(layer, values_dtype)}


def _of_conv2d(layer, values_dtype):
    """A convolution may be sparse in two domains."""
    found = _direct(layer, values_dtype)
    if winograd_conv2d.WinogradConv2D.unsupported_reason(layer) is None:
        own = winograd_conv2d.WinogradConv2D.from_conv2d(layer)
        kernel = np.abs(backend.to_numpy(own.kernel))
        kept = ~(kernel <= _ROUNDING * kernel.max(initial=0))
        own.kernel.assign(own.kernel * kept)
        found |= _of_winograd(own, values_dtype)
    return found


def _of_winograd(layer, values_dtype):
    kind = sparse_winograd_conv2d.SparseWinogradConv2D
    return {WINOGRAD: kind.from_dense(layer, values_dtype)}


def _of_response_norm(layer, _):
    """What sums up neighbours is stored as it is: that costs nothing."""
    kind = sparse_response_normalization.SparseResponseNormalization
    return {SPARSE: kind.from_dense(layer)}


_FORMS = {
    keras.layers.Dense: _direct,
    keras.layers.EinsumDense: _direct,
    keras.layers.Conv2D: _of_conv2d,
    keras.layers.DepthwiseConv2D: _direct,
    local_response_normalization.LocalResponseNormalization: _of_response_norm,
    winograd_conv2d.WinogradConv2D: _of_winograd,
}


def _has_columns(layer, gain):
    """Tells whether so many columns are zero that time may be saved."""
    if not isinstance(layer, keras.layers.Conv2D) or layer.groups > 1:
        return False
    kernel = backend.to_numpy(layer.kernel)
    columns = np.any(kernel.reshape(-1, kernel.shape[-1]), axis=1)
    return 0 < columns.mean() <= 1 - gain
