"""load_caffemodel: weights that Caffe trained, in Keras models.

convolution     (out, in / groups, height, width) -> (height, width, in, out)
inner product   (out, in) -> (in, out); behind a `Flatten` of images the
                inputs are reordered from (c, h, w) to (h, w, c)
batch norm      sums and their number -> moving mean and variance; gamma
                and beta from the Scale layer behind it
"""

from __future__ import annotations

import dataclasses
import os
import typing
import warnings

import keras
import numpy as np

from tfprune import backend
from tfprune.core import units
from tfprune.graph import model_graph
from tfprune.graph import traversal
from tfprune.interop import caffe_blobs
from tfprune.utils import validation

_PASSING = (
    keras.layers.InputLayer,
    keras.layers.Dropout,
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.Identity,
)


def load_caffemodel(
    model: keras.Model,
    path: str | os.PathLike,
    names: dict[str, str] | None = None,
) -> list[str]:
    """Gives a model the weights, and the masks, of a `.caffemodel` file.

    Layers are found by name; what is `/` in Caffe's may be `_`. A Keras
    `BatchNormalization` takes Caffe's BatchNorm of its name and the Scale
    layer called like it with `scale` for `bn`.

    Weights that are masked in the file (dynamic network surgery, OLMP) are
    zero here. A model that is pruned takes the masks; where a file has none,
    what is exactly zero is masked (SkimCaffe). So a published sparse model is
    fine-tuned after `tfprune.freeze`, and runs on sparse kernels after
    `tfprune.sparsify`. Surgery masks biases, as such files do; by a method
    that prunes kernels alone, zeros of biases learn again: a warning says so.

    Caffe's nets of ImageNet expect images in BGR order with a mean subtracted.

    Args:
        model: Keras model, built, channels last, with `Conv2D`, `Dense` and
            `BatchNormalization` layers.
        path: Path of the file.
        names: Dict, name of a Keras layer to that of a Caffe layer, where
            they differ. Defaults to none.

    Returns:
        The names of the layers of the file that were not used, such as heads
        that a model does not have.

    Raises:
        FileNotFoundError: if there is no file.
        ValueError: for a file that is damaged, that lacks a layer, or whose
            arrays have other shapes. The model is as it was then.

    Example:

    ```python
    model = tfprune.applications.build("caffenet")
    tfprune.interop.load_caffemodel(model, "bvlc_reference_caffenet.caffemodel")
    ```
    """
    file = _File(caffe_blobs.read(path), names or {})
    layers = [layer for layer in _leaves(model) if layer.weights]
    for name in names or {}:
        if name not in [layer.name for layer in layers]:
            known = [layer.name for layer in layers]
            raise ValueError(validation.unknown("names", name, known))
    behind = _behind_flatten(model)
    changes = [
        change
        for layer in layers
        for change in _changes(layer, file, behind.get(layer.name))
    ]
    for change in changes:
        change.make()
    _warn_of_lost_masks(layers, changes)
    return file.unused()


@dataclasses.dataclass(frozen=True)
class _Change:
    """What a variable takes from a file.

    Args:
        variable: Keras variable.
        value: Float array.
        mask: Bool array, or None: what it has stays.
    """

    variable: typing.Any
    value: np.ndarray
    mask: np.ndarray | None = None

    @property
    def target(self) -> units.Target | None:
        """The tag of the variable, if it is pruned."""
        return getattr(self.variable, units.TAG, None)

    @property
    def is_masked(self) -> bool:
        """Whether something is masked in the file."""
        return self.mask is not None and not np.all(self.mask)

    def make(self):
        mask = self.mask
        if self.target is not None:
            mask = backend.to_numpy(self.target.mask) if mask is None else mask
            self.target.assign(self.value, mask)
        elif mask is None:
            self.variable.assign(self.value)
        else:
            self.variable.assign(np.where(mask, self.value, 0))


class _File:
    """The layers of a file, by the names of Keras layers."""

    def __init__(self, blobs, names):
        self._blobs, self._names = blobs, names
        self._plain = {name.replace("/", "_"): name for name in blobs}
        self._used = set()

    def blobs(self, name: str, kind: str | None = None) -> list:
        """The arrays of a layer; none if it may be missing.

        Args:
            name: Name of a Keras layer.
            kind: None, or what stands in place of `bn` in the name.
        """
        wanted = self._names.get(name, name)
        if kind is not None:
            wanted = wanted.replace("bn", kind, 1)
        found = wanted if wanted in self._blobs else self._plain.get(wanted)
        if found is None and kind is None:
            raise ValueError(validation.unknown("path", wanted, self._blobs))
        if found is None or found in self._used:
            return []
        self._used.add(found)
        return self._blobs[found]

    def unused(self) -> list[str]:
        return [name for name in self._blobs if name not in self._used]


def _changes(layer, file, image):
    """All that a layer takes from a file, as a list of `_Change`."""
    bare = getattr(layer, "layer", layer)
    if isinstance(bare, keras.layers.BatchNormalization):
        return _statistics(bare, file)
    if not isinstance(bare, (keras.layers.Conv2D, keras.layers.Dense)):
        raise ValueError(
            "`model` must have weights in Conv2D, Dense and "
            "BatchNormalization layers only. Received: layer "
            f"{bare.name!r}, a {type(bare).__name__}."
        )
    variables = [bare.kernel, *([bare.bias] if bare.bias is not None else [])]
    blobs, count = file.blobs(layer.name), len(variables)
    # A mask of the kernel may come alone, or with one of the bias.
    if len(blobs) not in (count, count + 1, 2 * count):
        raise ValueError(
            _unsupported_reason(layer, f"{len(blobs)} arrays", variables)
        )
    twice = zip(blobs, [*variables, *variables], strict=False)
    values = [_value(blob, x, layer, image) for blob, x in twice]
    masks = [x > 0 for x in values[count:]]
    # Without a mask, what is zero is pruned; a zero bias is nothing special.
    masks += [
        (value != 0) | (x is bare.bias)
        for x, value in list(zip(variables, values, strict=False))[len(masks) :]
    ]
    return list(map(_Change, variables, values, masks))


def _value(blob, variable, layer, image):
    """An array of a file in the layout of a variable."""
    rank = len(variable.shape)
    # Outputs and inputs come first in Caffe, last here.
    axes = [rank - 1, rank - 2, *range(rank - 2)][:rank]
    expected = tuple(variable.shape[axis] for axis in axes)
    # Old files have all arrays with four axes, the first ones of size 1.
    fits = blob.shape[-rank:] == expected
    if not fits or blob.size != np.prod(expected):
        raise ValueError(
            _unsupported_reason(layer, f"shape {blob.shape}", [variable])
        )
    value = blob.reshape(expected)
    if rank == 2 and image is not None:
        height, width, channels = image
        images = value.reshape(-1, channels, height, width)
        value = images.transpose(0, 2, 3, 1).reshape(expected)
    return value.transpose(np.argsort(axes))


def _statistics(layer, file):
    """The changes of a normalization."""
    blobs = file.blobs(layer.name)
    if len(blobs) != 3 or blobs[2].size != 1:
        expected = "mean, variance and their factor"
        raise ValueError(
            _unsupported_reason(layer, f"not its {expected}", layer.weights)
        )
    factor = float(blobs[2].reshape(()))
    factor = 1 / factor if factor else 0.0
    mean, variance = (
        _value(x * factor, layer.moving_mean, layer, None) for x in blobs[:2]
    )
    found = [
        _Change(layer.moving_mean, mean),
        _Change(layer.moving_variance, variance),
    ]
    scale = file.blobs(layer.name, kind="scale")
    for blob, variable in zip(scale, (layer.gamma, layer.beta), strict=False):
        if variable is not None:
            value = _value(blob, variable, layer, None)
            found.append(_Change(variable, value))
    return found


def _warn_of_lost_masks(layers, changes):
    """Says which zeros of layers that are pruned have no mask to keep them."""
    pruned = {
        id(weight)
        for layer in layers
        for weight in layer.weights
        if any(hasattr(x, units.TAG) for x in layer.weights)
    }
    lost = [
        change.variable.path
        for change in changes
        if change.is_masked
        and change.target is None
        and id(change.variable) in pruned
    ]
    if lost:
        warnings.warn(
            "these are masked in the file and not in the model, whose method "
            f"does not prune them: {', '.join(lost)}. Their zeros will learn "
            "again. Prune the model by a method that masks them, as "
            "tfprune.methods.Surgery() does biases",
            stacklevel=3,
        )


def _unsupported_reason(layer, received, variables):
    shapes = ", ".join(f"{x.name} {tuple(x.shape)}" for x in variables)
    return (
        f"`path` must have arrays that fit layer {layer.name!r}: {shapes}, "
        f"in Caffe's layout. Received: {received}."
    )


def _leaves(model):
    """The layers of nested models, subclassed ones too, each once."""
    found = {}
    for layer in model.layers:
        nested = isinstance(layer, keras.Model)
        for leaf in _leaves(layer) if nested else [layer]:
            found[id(leaf)] = leaf
    return list(found.values())


def _behind_flatten(model) -> dict[str, tuple]:
    """Name of a layer to the image whose pixels it reads in a row."""
    found = {}

    def step(call):
        (image,) = call.inputs if len(call.inputs) == 1 else (None,)
        if image is not None:
            found[call.operation.name] = image
        if isinstance(call.operation, keras.layers.Flatten):
            shape = call.tensors[0].shape[1:]
            image = shape if len(shape) == 3 else None
        elif not isinstance(call.operation, _PASSING):
            image = None
        return [image] * len(call.shapes)

    for own in traversal.outermost(model):
        graph = model_graph.ModelGraph(own)
        graph.follow([None] * len(own.inputs), step)
    return found
