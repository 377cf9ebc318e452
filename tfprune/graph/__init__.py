"""The graph of a Keras model: its layers, calls and costs."""

from tfprune.graph.model_graph import conv_groups as conv_groups

__all__ = ["conv_groups"]
