"""Figures of runs: curves, layers, searches and ranks."""
