"""Keras callbacks: logs, searches and gates between training steps."""

from tfprune.callbacks.at_target import AtTarget as AtTarget
from tfprune.callbacks.filter_log import FilterLog as FilterLog
from tfprune.callbacks.guided_gate import GuidedGate as GuidedGate
from tfprune.callbacks.olmp_search import OLMPSearch as OLMPSearch
from tfprune.callbacks.rank_clipping import RankClipping as RankClipping
from tfprune.callbacks.rank_logger import RankLogger as RankLogger
from tfprune.callbacks.sparsity_logger import SparsityLogger as SparsityLogger

__all__ = [
    "AtTarget",
    "FilterLog",
    "GuidedGate",
    "OLMPSearch",
    "REQUIRED",
    "RankClipping",
    "RankLogger",
    "SparsityLogger",
]

# Callbacks that a method needs while a model is trained, by its name.
REQUIRED = {"olmp": OLMPSearch}
