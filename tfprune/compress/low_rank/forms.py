"""Forms: how one layer becomes two of low rank, and by which decomposition.

A form has a kernel as matrices, one for each group of a convolution, and turns
the factors of these matrices into two layers in a row.
"""

from __future__ import annotations

import typing

import keras
import numpy as np
from keras import ops

from tfprune.compress.low_rank import layouts
from tfprune.numerics.decompositions import PCA as PCA
from tfprune.numerics.decompositions import SVD as SVD
from tfprune.numerics.decompositions import KMeans as KMeans
from tfprune.utils import serialization
from tfprune.utils import validation


@serialization.serializable
class Channels(serialization.Serializable):
    """A convolution of `rank` filters, then one of size 1.

    Or two Dense layers, or two EinsumDense layers, for one of either.

    Args:
        decomposition: `PCA()` (default), `SVD()` or `KMeans()`.

    Reference:
        Wen et al. Coordinating Filters for Faster Deep Neural Networks. ICCV
        2017.
    """

    decomposition: typing.Any = PCA()

    def unsupported_reason(self, layer: keras.layers.Layer) -> str | None:
        """Why a layer can't be factorised in this form, or None."""
        layout = layouts.of(layer)
        if layout is None:
            return f"is a {type(layer).__name__}"
        return _unsupported_reason(layer, self)

    def matrices(self, layer) -> list[np.ndarray]:
        """A matrix `(entries, filters)` for each group."""
        return layouts.of(layer).matrices()

    def kernel(self, layer, matrices: list):
        """The kernel of such matrices, arrays or tensors."""
        return layouts.of(layer).kernel(matrices)

    def layers(self, layer, lefts: list, rights: list, use_bias: bool) -> list:
        """The two layers, not built, each with its kernel."""
        return layouts.of(layer).layers(lefts, rights, use_bias)


@serialization.serializable
class Spatial(serialization.Serializable):
    """A convolution of `rank` vertical filters, then horizontal ones.

    Args:
        decomposition: `SVD()` (default), `PCA()` or `KMeans()`.

    Reference:
        Tai et al. Convolutional Neural Networks with Low-rank Regularization.
        ICLR 2016.
    """

    decomposition: typing.Any = SVD()

    def unsupported_reason(self, layer: keras.layers.Layer) -> str | None:
        """Why a layer can't be factorised in this form, or None."""
        if type(layer) is not keras.layers.Conv2D:
            return f"is a {type(layer).__name__}, not a Conv2D"
        if 1 in layer.kernel_size:
            return f"has filters of {layer.kernel_size}, separable already"
        return _unsupported_reason(layer, self)

    def matrices(self, layer) -> list[np.ndarray]:
        """A matrix `(height * inputs, width * filters)` for each group."""
        height, width, inputs, _ = layer.kernel.shape
        return [
            group.transpose(0, 2, 1, 3).reshape(height * inputs, -1)
            for group in np.split(
                layouts.kernel_of(layer), layer.groups, axis=-1
            )
        ]

    def kernel(self, layer, matrices: list):
        """The kernel of such matrices, arrays or tensors."""
        height, width, inputs, _ = layer.kernel.shape
        groups = [
            ops.reshape(matrix, (height, inputs, width, -1))
            for matrix in matrices
        ]
        rows = ops.concatenate(groups, axis=-1)
        return ops.transpose(rows, (0, 2, 1, 3))

    def layers(self, layer, lefts: list, rights: list, use_bias: bool) -> list:
        """The two layers, not built, each with its kernel."""
        height, width, inputs, _ = layer.kernel.shape
        rank = lefts[0].shape[1]
        first = np.concatenate(lefts, axis=1).reshape(height, 1, inputs, -1)
        rights = [x.reshape(rank, width, -1) for x in rights]
        second = np.concatenate(rights, axis=-1).transpose(1, 0, 2)[None]
        below, across = _by_axis(layer)
        layout = layouts.Channels(layer)
        return [
            (layout.first("vertical", first.shape[-1], **below), first),
            (layout.last("horizontal", use_bias, **across), second),
        ]


METHODS = {
    "pca": Channels(),
    "svd": Channels(SVD()),
    "kmeans": Channels(KMeans()),
    "lra": Spatial(),
}


def form(method: str | Channels | Spatial):
    """The form of that name, or the one given.

    Raises:
        ValueError: for an unknown name.
    """
    if isinstance(method, (Channels, Spatial)):
        return method
    if method not in METHODS:
        raise ValueError(validation.unknown("method", method, METHODS))
    return METHODS[method]


def _unsupported_reason(layer, form):
    if getattr(layer, "lora_enabled", False):
        return "has a kernel that is a sum, since `enable_lora` was called"
    if "float" not in str(layer.kernel.dtype):
        return f"has a kernel of {layer.kernel.dtype}"
    if not np.all(np.isfinite(layouts.kernel_of(layer))):
        raise ValueError(
            "`model` must have finite weights. Received: NaN or infinity in "
            f"the kernel of layer {layer.name!r}."
        )
    why = layouts.of(layer).why_no_matrix()
    if why:
        return why
    if min(form.matrices(layer)[0].shape) < 2:
        return "has one filter or input only (of a group)"
    return None


def _by_axis(layer):
    """Kernel size, strides and dilation, of the height and of the width."""
    names = ("kernel_size", "strides", "dilation_rate")
    sizes = {name: getattr(layer, name) for name in names}
    below = {name: (size[0], 1) for name, size in sizes.items()}
    across = {name: (1, size[1]) for name, size in sizes.items()}
    return below, across
