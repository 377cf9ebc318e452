"""A whole net as `engine_server.py` reads it, for Pythons without tfprune."""

import pathlib

import engine_layer
import numpy as np


def read(path):
    """Returns the layer or the net of a file."""
    with np.load(path) as file:
        kind = engine_layer.Layer if "matrix" in file else Net
    return kind(path)


class Net:
    """An input and an output, read from a file; beside it lies the net."""

    def __init__(self, path):
        self._path = pathlib.Path(path)
        with np.load(path) as file:
            self.x, self.y = file["x"], file["y"]

    def beside(self, ending):
        """Returns the path of the net in another format."""
        path = self._path.with_suffix(ending)
        if not path.exists():
            raise engine_layer.Refused(f"{path.name} was not made")
        return str(path)

    def onnx(self):
        return self.beside(".onnx")

    def channels_first(self):
        return np.ascontiguousarray(self.x.transpose(0, 3, 1, 2))

    def channels_last(self, y):
        return y  # Of classes, which have no pixels.
