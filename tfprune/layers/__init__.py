"""Wrapper layers."""

from tfprune.layers.prunable import Prunable as Prunable
