"""Wrapper layers, and layers that run sparse or in the Winograd domain."""

from tfprune.layers.filter_shape_conv2d import (
    FilterShapeConv2D as FilterShapeConv2D,
)
from tfprune.layers.fused_attention import FusedAttention as FusedAttention
from tfprune.layers.fused_normalization import (
    FusedLayerNormalization as FusedLayerNormalization,
)
from tfprune.layers.fused_normalization import (
    FusedRMSNormalization as FusedRMSNormalization,
)
from tfprune.layers.local_response_normalization import (
    LocalResponseNormalization as LocalResponseNormalization,
)
from tfprune.layers.prunable import Prunable as Prunable
from tfprune.layers.sparse import Sparse as Sparse
from tfprune.layers.sparse_conv2d import SparseConv2D as SparseConv2D
from tfprune.layers.sparse_dense import SparseDense as SparseDense
from tfprune.layers.sparse_einsum_dense import (
    SparseEinsumDense as SparseEinsumDense,
)
from tfprune.layers.sparse_response_normalization import (
    SparseResponseNormalization as SparseResponseNormalization,
)
from tfprune.layers.sparse_winograd_conv2d import (
    SparseWinogradConv2D as SparseWinogradConv2D,
)
from tfprune.layers.winograd_conv2d import WinogradConv2D as WinogradConv2D

__all__ = [
    "FilterShapeConv2D",
    "FusedAttention",
    "FusedLayerNormalization",
    "FusedRMSNormalization",
    "LocalResponseNormalization",
    "Prunable",
    "Sparse",
    "SparseConv2D",
    "SparseDense",
    "SparseEinsumDense",
    "SparseResponseNormalization",
    "SparseWinogradConv2D",
    "WinogradConv2D",
]
