"""Removing whole filters: a physically smaller dense model."""
