"""From a pruned model to a smaller one: parts beside the top-level verbs."""

from tfprune.compress import low_rank as low_rank
from tfprune.compress.filters.blocks import zero_blocks as zero_blocks
from tfprune.compress.filters.channel_graph import (
    channel_graph as channel_graph,
)
from tfprune.compress.filters.zero import zero_filters as zero_filters
from tfprune.compress.low_rank.spectra import spectra as spectra
from tfprune.compress.quantize import quantize_weights as quantize_weights
from tfprune.compress.winograd import to_spatial as to_spatial

__all__ = [
    "channel_graph",
    "low_rank",
    "quantize_weights",
    "spectra",
    "to_spatial",
    "zero_blocks",
    "zero_filters",
]
