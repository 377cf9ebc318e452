"""Layers and nets as `server.py` reads them, in Pythons without tfprune."""

import math
import pathlib

import numpy as np

# A call of a `tf.function` costs as much as many of the layers in it: small
# layers are run several times in one call, and a call of nothing is taken off.
_LEAST_FLOPS, _MOST_TIMES = 5e8, 100


class Refused(Exception):
    """An engine has nothing for such a layer."""


def read(path):
    """Returns the layer or the net of a file."""
    with np.load(path) as file:
        kind = Layer if "matrix" in file else Net
    return kind(path)


class Layer:
    """A problem read from its file, with what engines want of it."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        with np.load(path) as file:
            fields = {name: file[name] for name in file.files}
        self.matrix, self.x, self.y = (fields[n] for n in ("matrix", "x", "y"))
        self.domain = str(fields["domain"])
        self.is_product = self.x.ndim == 2
        if not self.is_product:
            self.kernel, self.stride, self.groups = fields["geometry"].tolist()
            self.pads = fields["pads"].tolist()  # top, left, bottom, right
            self.padding = "SAME" if any(self.pads) else "VALID"

    @property
    def flops(self):
        return 2 * math.prod(self.y.shape[:-1]) * self.matrix.size

    @property
    def times(self):
        """How often it is run in one call of a `tf.function`."""
        return min(math.ceil(_LEAST_FLOPS / self.flops), _MOST_TIMES)

    @property
    def pixels(self):
        """The input of a product, or of a convolution that is one."""
        if not self.is_product and (self.kernel, self.stride) != (1, 1):
            raise Refused("no convolutions but 1x1")
        return self.x.reshape(-1, self.x.shape[-1])

    @property
    def filters(self):
        """(filters, height, width, channels of a group)."""
        return self.matrix.reshape(
            len(self.matrix), self.kernel, self.kernel, -1
        )

    @property
    def inputs(self):
        return {"x": self.x}

    def feeds(self):
        """The inputs of its ONNX model, name to array."""
        return {"x": _channels_first(self.x)}

    def channels_last(self, y):
        return y if self.is_product else y.transpose(0, 2, 3, 1)

    def beside(self, ending):
        """Returns the path of the layer in another format."""
        return str(self.path.with_suffix(ending))

    def onnx(self):
        """Returns the path of the layer as an ONNX model."""
        import onnx
        from onnx import helper

        x, y = self.feeds()["x"], self.y
        if self.is_product:
            weights, node = self.matrix.T, helper.make_node("MatMul", "xw", "y")
        else:
            y = y.transpose(0, 3, 1, 2)
            weights = self.filters.transpose(0, 3, 1, 2)
            node = helper.make_node(
                "Conv",
                "xw",
                "y",
                kernel_shape=[self.kernel] * 2,
                strides=[self.stride] * 2,
                group=self.groups,
                pads=self.pads,
            )
        graph = helper.make_graph(
            [node],
            "layer",
            [helper.make_tensor_value_info("x", 1, x.shape)],
            [helper.make_tensor_value_info("y", 1, y.shape)],
            [onnx.numpy_helper.from_array(np.ascontiguousarray(weights), "w")],
        )
        opset = helper.make_opsetid("", 13)
        path = self.beside(".onnx")
        onnx.save(
            helper.make_model(graph, opset_imports=[opset], ir_version=8), path
        )
        return path


class Net:
    """Inputs and an output, read from a file; beside it lies the net.

    Attributes:
        inputs: Dict, name to array, in the order of the net's inputs.
        y: Array.
    """

    def __init__(self, path):
        self._path = pathlib.Path(path)
        with np.load(path) as file:
            self.inputs = {name: file[name] for name in file.files}
        self.y = self.inputs.pop("y")

    def beside(self, ending):
        """Returns the path of the net in another format."""
        path = self._path.with_suffix(ending)
        if not path.exists():
            raise Refused(f"{path.name} was not made")
        return str(path)

    def onnx(self):
        return self.beside(".onnx")

    def feeds(self):
        """The inputs of its ONNX model, name to array."""
        return {name: _channels_first(x) for name, x in self.inputs.items()}

    def channels_last(self, y):
        return y  # Of classes, which have no pixels.


def _channels_first(x):
    """Images as ONNX has them; whatever has no pixels stays."""
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2)) if x.ndim == 4 else x
