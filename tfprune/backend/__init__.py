"""The one place that touches tf.distribute and what others keep private."""

from tfprune.backend.graphs import after_last as after_last
from tfprune.backend.graphs import compiled as compiled
from tfprune.backend.graphs import eagerly as eagerly
from tfprune.backend.graphs import outside_graph as outside_graph
from tfprune.backend.graphs import over_rows as over_rows
from tfprune.backend.graphs import repeated as repeated
from tfprune.backend.graphs import runs_compiled_ops as runs_compiled_ops
from tfprune.backend.graphs import share_cores as share_cores
from tfprune.backend.graphs import shared as shared
from tfprune.backend.layers import build as build
from tfprune.backend.layers import state as state
from tfprune.backend.layers import sublayers as sublayers
from tfprune.backend.layers import trace as trace
from tfprune.backend.operations import operations as operations
from tfprune.backend.optimizers import AVERAGES as AVERAGES
from tfprune.backend.optimizers import already_reduced as already_reduced
from tfprune.backend.optimizers import averages as averages
from tfprune.backend.optimizers import innermost as innermost
from tfprune.backend.optimizers import learning_rates as learning_rates
from tfprune.backend.optimizers import reduced as reduced
from tfprune.backend.optimizers import sum_over_replicas as sum_over_replicas
from tfprune.backend.variables import Saveable as Saveable
from tfprune.backend.variables import add_variable as add_variable
from tfprune.backend.variables import is_tensor as is_tensor
from tfprune.backend.variables import read as read
from tfprune.backend.variables import to_numpy as to_numpy
