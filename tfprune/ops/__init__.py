"""Products with sparse weights: the Python face of custom_ops."""

from tfprune.ops.csr import Csr as Csr
from tfprune.ops.csr_matmul import csr_matmul as csr_matmul
from tfprune.ops.library import describe as describe
from tfprune.ops.sparse_conv2d import sparse_conv2d as sparse_conv2d
from tfprune.ops.sparse_winograd_conv2d import (
    sparse_winograd_conv2d as sparse_winograd_conv2d,
)
