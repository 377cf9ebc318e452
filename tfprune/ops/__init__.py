"""Products with sparse weights and more: the Python face of custom_ops."""

from tfprune.ops.attention import attend as attend
from tfprune.ops.conv2d import Geometry as Geometry
from tfprune.ops.conv2d import Pooling as Pooling
from tfprune.ops.conv2d import sparse_conv2d as sparse_conv2d
from tfprune.ops.csr import Csr as Csr
from tfprune.ops.library import describe as describe
from tfprune.ops.matmul import csr_matmul as csr_matmul
from tfprune.ops.normalization import normalize as normalize
from tfprune.ops.winograd_conv2d import (
    sparse_winograd_conv2d as sparse_winograd_conv2d,
)

__all__ = [
    "Csr",
    "Geometry",
    "Pooling",
    "attend",
    "csr_matmul",
    "describe",
    "normalize",
    "sparse_conv2d",
    "sparse_winograd_conv2d",
]
