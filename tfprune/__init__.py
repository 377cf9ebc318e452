"""tfprune prunes Keras 3 models and makes what is left small and fast."""

try:
    import tensorflow as _tensorflow  # noqa: F401
except ImportError as error:
    raise ImportError(
        "tfprune needs TensorFlow, in the build for your machine: "
        "pip install 'tfprune[cpu]' or pip install 'tfprune[gpu]'"
    ) from error

from tfprune import methods as methods
from tfprune.api import freeze as freeze
from tfprune.api import prune as prune
from tfprune.api import set_mask as set_mask
from tfprune.api import settings as settings
from tfprune.api import strip as strip
from tfprune.layers import Prunable as Prunable
from tfprune.optimizers import PruningOptimizer as PruningOptimizer

__version__ = "0.1.0"
