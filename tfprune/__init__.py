"""tfprune prunes Keras 3 models and makes what is left small and fast."""

try:
    import tensorflow as _tensorflow  # noqa: F401
except ImportError as error:
    raise ImportError(
        "tfprune needs TensorFlow, in the build for your machine: "
        "pip install 'tfprune[cpu]' or pip install 'tfprune[gpu]'"
    ) from error

from tfprune import applications as applications
from tfprune import callbacks as callbacks
from tfprune import compress as compress
from tfprune import methods as methods
from tfprune import planning as planning
from tfprune import regularizers as regularizers
from tfprune import search as search
from tfprune.api import factorize as factorize
from tfprune.api import freeze as freeze
from tfprune.api import plan_budget as plan_budget
from tfprune.api import prune as prune
from tfprune.api import set_mask as set_mask
from tfprune.api import settings as settings
from tfprune.api import strip as strip
from tfprune.compress.filters.channel_graph import (
    channel_graph as channel_graph,
)
from tfprune.compress.filters.removal_plan import plan_removal as plan_removal
from tfprune.compress.filters.remove import remove_filters as remove_filters
from tfprune.compress.filters.zero import zero_filters as zero_filters
from tfprune.compress.low_rank.spectra import spectra as spectra
from tfprune.compress.recalibrate import recalibrate as recalibrate
from tfprune.compress.sparse.sparsify import sparsify as sparsify
from tfprune.compress.winograd import to_spatial as to_spatial
from tfprune.compress.winograd import to_winograd as to_winograd
from tfprune.exporters import export as export
from tfprune.exporters import load_compact as load_compact
from tfprune.graph.model_graph import conv_groups as conv_groups
from tfprune.interop.caffemodel import load_caffemodel as load_caffemodel
from tfprune.layers import FilterShapeConv2D as FilterShapeConv2D
from tfprune.layers import (
    LocalResponseNormalization as LocalResponseNormalization,
)
from tfprune.layers import Prunable as Prunable
from tfprune.layers import SparseConv2D as SparseConv2D
from tfprune.layers import SparseDense as SparseDense
from tfprune.layers import (
    SparseResponseNormalization as SparseResponseNormalization,
)
from tfprune.layers import SparseWinogradConv2D as SparseWinogradConv2D
from tfprune.layers import WinogradConv2D as WinogradConv2D
from tfprune.optimizers import ForceRegularized as ForceRegularized
from tfprune.optimizers import PruningOptimizer as PruningOptimizer
from tfprune.profiling.calibrate import calibrate as calibrate
from tfprune.profiling.projection import project as project
from tfprune.reports import Report as Report
from tfprune.reports import report as report
from tfprune.reports import winograd_sparsity as winograd_sparsity
from tfprune.search.thresholds import pruned_accuracy as pruned_accuracy
from tfprune.search.thresholds import set_thresholds as set_thresholds

__version__ = "0.1.0"
