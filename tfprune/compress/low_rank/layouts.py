"""Layouts: the kernels of layers as matrices, their outputs as rows of them."""

from __future__ import annotations

import string
import typing

import keras
import numpy as np
from keras import ops

from tfprune import backend
from tfprune.numerics import equations

_DENSE = keras.layers.Dense
_WINDOWS = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
)
# The layer that reads has neither bias nor activation.
_ALONE = {
    "activation": "linear",
    "bias_constraint": None,
    "activity_regularizer": None,
}


def of(layer: keras.layers.Layer) -> typing.Any:
    """The layout of a built layer, or None for a kind that has none."""
    if type(layer) is keras.layers.EinsumDense:
        return Product(layer)
    return Channels(layer) if type(layer) in (_DENSE, *_WINDOWS) else None


class Channels:
    """A Dense layer, or a convolution: a matrix for each of its groups.

    Args:
        layer: Keras layer, built.
    """

    def __init__(self, layer):
        self._layer = layer
        self._groups = getattr(layer, "groups", 1)

    def why_no_matrix(self) -> str | None:
        """Why the kernel can't be laid out, or None."""
        return None

    def matrices(self) -> list[np.ndarray]:
        """A matrix `(entries, filters)` for each group."""
        kernel = kernel_of(self._layer)
        rows = kernel.reshape(-1, kernel.shape[-1])
        return np.split(rows, self._groups, axis=1)

    def kernel(self, matrices: list):
        """The kernel of such matrices, arrays or tensors."""
        rows = ops.concatenate(matrices, axis=1)
        return ops.reshape(rows, self._layer.kernel.shape)

    def rows(self, outputs: np.ndarray) -> list[np.ndarray]:
        """What the layer gives, `(places, filters)` for each group."""
        first = getattr(self._layer, "data_format", None) == "channels_first"
        outputs = np.moveaxis(outputs, 1 if first else -1, -1)
        rows = outputs.reshape(-1, outputs.shape[-1])
        return np.split(rows, self._groups, axis=1)

    def bias(self) -> np.ndarray | None:
        """A number for each filter, or None."""
        layer = self._layer
        return backend.to_numpy(layer.bias) if layer.use_bias else None

    def without_bias(self) -> keras.layers.Layer:
        """A layer, not built, without bias and activation."""
        return changed(self._layer, "", use_bias=False, activation="linear")

    def layers(self, lefts: list, rights: list, use_bias: bool) -> list:
        """The two layers, not built, each with its kernel."""
        *window, inputs, _ = self._layer.kernel.shape
        first = np.concatenate(lefts, axis=1).reshape(*window, inputs, -1)
        second = np.concatenate(rights, axis=1)
        second = second.reshape(*[1] * len(window), lefts[0].shape[1], -1)
        return [
            (self.first("lowrank", first.shape[-1]), first),
            (self.last("linear", use_bias, **self._point()), second),
        ]

    def first(self, suffix: str, count: int, **changes) -> keras.layers.Layer:
        """The layer that reads, of so many filters."""
        size = "units" if type(self._layer) is _DENSE else "filters"
        changes |= {size: int(count), "use_bias": False, **_ALONE}
        return changed(self._layer, suffix, **changes)

    def last(self, suffix: str, use_bias: bool, **changes):
        """The layer that writes: its activation is that of the old one."""
        return changed(self._layer, suffix, use_bias=use_bias, **changes)

    @staticmethod
    def put_bias(layer: keras.layers.Layer, bias: np.ndarray) -> None:
        """Assigns a number for each filter to the layer that writes."""
        layer.bias.assign(bias)

    def _point(self):
        """What makes a convolution one of size 1; nothing for a Dense one."""
        if type(self._layer) is _DENSE:
            return {}
        ones = [1] * len(self._layer.kernel_size)
        names = ("kernel_size", "strides", "dilation_rate")
        return {**dict.fromkeys(names, ones), "padding": "valid"}


class Product:
    """An EinsumDense layer whose kernel is a matrix, as a group of its own.

    Args:
        layer: `keras.layers.EinsumDense`, built.
    """

    def __init__(self, layer):
        self._layer = layer
        self._product = equations.of(layer)

    def why_no_matrix(self) -> str | None:
        """Why the kernel can't be laid out, or None."""
        return equations.why_no_matrix(self._layer)

    def matrices(self) -> list[np.ndarray]:
        """The matrix, `(entries, filters)`."""
        return [self._product.matrix(kernel_of(self._layer))]

    def kernel(self, matrices: list):
        """The kernel of such a matrix, array or tensor."""
        (matrix,), product = matrices, self._product
        sizes = product.sizes(self._layer.kernel.shape)
        order = [*product.read, *product.own]
        kernel = ops.reshape(matrix, [sizes[token] for token in order])
        return ops.transpose(kernel, [order.index(x) for x in product.kernel])

    def rows(self, outputs: np.ndarray) -> list[np.ndarray]:
        """What the layer gives, `(places, filters)`."""
        product = self._product
        own = [product.made.index(token) for token in product.own]
        outputs = np.moveaxis(outputs, own, range(-len(own), 0))
        count = np.prod(outputs.shape[-len(own) :])
        return [outputs.reshape(-1, count)]

    def bias(self) -> np.ndarray | None:
        """A number for each filter, or None."""
        if self._layer.bias_axes is None:
            return None
        bias = backend.to_numpy(self._layer.bias)
        return self._product.vector(bias, self._layer.kernel.shape)

    def without_bias(self) -> keras.layers.Layer:
        """A layer, not built, without bias and activation."""
        return changed(self._layer, "", bias_axes=None, activation="linear")

    def layers(self, lefts: list, rights: list, use_bias: bool) -> list:
        """The two layers, not built, each with its kernel."""
        (left,), (right,), product = lefts, rights, self._product
        rank = left.shape[1]
        name = _unused([*product.given, *product.kernel, *product.made])
        reads, writes = product.split(name)
        sizes = product.sizes(self._layer.kernel.shape)
        read, own = ([sizes[x] for x in y] for y in (product.read, product.own))
        return [
            (self._first(reads, name, rank), left.reshape(*read, rank)),
            (self._last(writes, use_bias), right.reshape(rank, *own)),
        ]

    def put_bias(self, layer: keras.layers.Layer, bias: np.ndarray) -> None:
        """Assigns a number for each filter to the layer that writes."""
        product = self._product
        sizes = product.sizes(self._layer.kernel.shape)
        bias = bias.reshape([sizes[token] for token in product.own])
        order = [token for token in product.made if token in product.own]
        bias = bias.transpose([product.own.index(token) for token in order])
        layer.bias.assign(bias.reshape(layer.bias.shape))

    def _first(self, equation, name, rank):
        sizes = self._product.made_sizes(self._layer.partial_output_shape)
        sizes[name] = rank
        made = equation.partition("->")[2]
        return changed(
            self._layer,
            "lowrank",
            equation=equation,
            output_shape=[sizes[token] for token in made if token in sizes],
            bias_axes=None,
            **_ALONE,
        )

    def _last(self, equation, use_bias):
        axes = "".join(self._product.own) if use_bias else None
        return changed(self._layer, "linear", equation=equation, bias_axes=axes)


def _unused(letters):
    return next(x for x in string.ascii_letters if x not in letters)


def kernel_of(layer: keras.layers.Layer) -> np.ndarray:
    """The kernel in double precision."""
    return backend.to_numpy(layer.kernel).astype("float64")


def changed(
    layer: keras.layers.Layer, suffix: str, **changes
) -> keras.layers.Layer:
    """A layer, not built, of another configuration and name."""
    config = {**layer.get_config(), "kernel_constraint": None, **changes}
    config["name"] = "_".join(filter(None, (layer.name, suffix)))
    return type(layer).from_config(config)
