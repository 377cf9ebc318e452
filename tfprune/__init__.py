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
from tfprune import exporters as exporters
from tfprune import graph as graph
from tfprune import interop as interop
from tfprune import layers as layers
from tfprune import methods as methods
from tfprune import optimizers as optimizers
from tfprune import planning as planning
from tfprune import profiling as profiling
from tfprune import regularizers as regularizers
from tfprune import reports as reports
from tfprune import schedules as schedules
from tfprune import search as search
from tfprune.api import factorize as factorize
from tfprune.api import freeze as freeze
from tfprune.api import plan_budget as plan_budget
from tfprune.api import prune as prune
from tfprune.api import set_mask as set_mask
from tfprune.api import settings as settings
from tfprune.compress.filters.removal_plan import plan_removal as plan_removal
from tfprune.compress.filters.remove import remove_filters as remove_filters
from tfprune.compress.recalibrate import recalibrate as recalibrate
from tfprune.compress.sparse.sparsify import sparsify as sparsify
from tfprune.compress.strip import strip as strip
from tfprune.compress.winograd import to_winograd as to_winograd
from tfprune.core import criteria as criteria
from tfprune.core import structures as structures
from tfprune.exporters import export as export
from tfprune.layers import Prunable as Prunable
from tfprune.optimizers import PruningOptimizer as PruningOptimizer
from tfprune.optimizers import decide as decide
from tfprune.reports import report as report

__version__ = "0.1.0"

# The rest is in namespaces: these, and `exporters`, `graph`, `interop`,
# `optimizers`, `profiling`, `regularizers`, `reports` and `search`.
__all__ = [
    "Prunable",
    "PruningOptimizer",
    "applications",
    "callbacks",
    "compress",
    "criteria",
    "decide",
    "export",
    "factorize",
    "freeze",
    "layers",
    "methods",
    "plan_budget",
    "plan_removal",
    "planning",
    "prune",
    "recalibrate",
    "remove_filters",
    "report",
    "schedules",
    "set_mask",
    "settings",
    "sparsify",
    "strip",
    "structures",
    "to_winograd",
]
