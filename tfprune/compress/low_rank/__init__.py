"""Low-rank compression: two low-rank layers in the place of one."""

from tfprune.compress.low_rank.forms import Channels as Channels
from tfprune.compress.low_rank.forms import Spatial as Spatial
from tfprune.numerics.decompositions import PCA as PCA
from tfprune.numerics.decompositions import SVD as SVD
from tfprune.numerics.decompositions import KMeans as KMeans

__all__ = [
    "Channels",
    "KMeans",
    "PCA",
    "SVD",
    "Spatial",
]
