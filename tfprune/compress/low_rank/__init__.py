"""Factorising layers: two low-rank layers in place of one."""

from tfprune.numerics.decompositions import PCA as PCA
from tfprune.numerics.decompositions import SVD as SVD
from tfprune.numerics.decompositions import KMeans as KMeans
