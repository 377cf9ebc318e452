"""Models and settings that come from elsewhere."""

from tfprune.interop.caffemodel import load_caffemodel as load_caffemodel

__all__ = ["load_caffemodel"]
