"""cost: the one place that counts the MACs of layers and of whole models."""

from __future__ import annotations

import math

import keras

from tfprune.graph import model_graph
from tfprune.graph import traversal
from tfprune.layers import parts
from tfprune.layers import prunable
from tfprune.layers import sparse_einsum_dense
from tfprune.layers import sparse_winograd_conv2d
from tfprune.layers import winograd_conv2d
from tfprune.numerics import equations

_EQUATIONS = (
    keras.layers.EinsumDense,
    sparse_einsum_dense.SparseEinsumDense,
)
_TILED = (
    winograd_conv2d.WinogradConv2D,
    sparse_winograd_conv2d.SparseWinogradConv2D,
)


def uses(graph: model_graph.ModelGraph) -> dict[int, int]:
    """Id of each kernel of a model to how often a forward pass uses an entry.

    Args:
        graph: `ModelGraph` of a built model of any class.
    """
    found: dict[int, int] = {}
    for layer in traversal.walk(graph.model):
        if not isinstance(layer, (keras.Model, prunable.Prunable)):
            # What holds a layer comes before it, and was called itself.
            found = uses_in(layer, graph.calls.get(id(layer))) | found
    return found


def uses_in(
    layer: keras.layers.Layer, calls: list | None = None
) -> dict[int, int]:
    """Id of each kernel of a layer to how often its calls use an entry.

    Args:
        layer: Keras layer, built.
        calls: As of `macs`.
    """
    kernels = [id(x) for x in layer.weights if is_multiplied(x)]
    return dict.fromkeys(
        kernels, macs_per_weight(layer, calls) if kernels else 0
    )


def macs(layer: keras.layers.Layer, calls: list | None = None) -> int:
    """The multiply-accumulates of a layer's kernels, for one example.

    Args:
        layer: Keras layer, built.
        calls: List, for each call its input shapes, or None: once, on what
            it was built on. Defaults to None.
    """
    sizes = [math.prod(x.shape) for x in layer.weights if is_multiplied(x)]
    return sum(sizes) * macs_per_weight(layer, calls) if sizes else 0


def is_multiplied(variable) -> bool:
    """Tells whether an array is multiplied, not looked up or added."""
    return variable.name.endswith("kernel")


def parameters(layer: keras.layers.Layer, calls: list | None = None) -> int:
    """The entries of a layer's weights; `calls` do not matter."""
    return sum(math.prod(x.shape) for x in layer.weights)


def macs_per_weight(
    layer: keras.layers.Layer, calls: list | None = None
) -> int:
    """How often a forward pass uses each entry of a kernel, for one example.

    That is output pixels of a convolution, tiles of one in the Winograd
    domain, input pixels of a transposed one, time steps of a recurrent layer,
    tokens of a dense one; 1 for a dynamic dimension. All calls are summed.

    Args:
        layer: Keras layer, built.
        calls: As of `macs`.
    """
    return sum(_positions(layer, shapes) for shapes in calls or [None])


def activations(layer: keras.layers.Layer, calls: list | None = None) -> int:
    """The entries that a layer on one tensor reads and writes, per example.

    Args:
        layer: Keras layer, built.
        calls: As of `macs`.
    """
    total = 0
    for shapes in calls or [None]:
        inputs = shapes or model_graph.built_on(layer)
        for shape in [*inputs, output_shape(layer, inputs[:1])]:
            total += math.prod(size or 1 for size in shape[1:])
    return total


def is_dynamic(layer: keras.layers.Layer, calls: list | None = None) -> bool:
    """Tells whether an input or output of a layer has a dynamic dimension."""
    for given in calls or [None]:
        shapes = given or model_graph.built_on(layer)
        if any(None in x[1:] for x in [*shapes, output_shape(layer, shapes)]):
            return True
    return False


def _positions(layer, shapes):
    shapes = shapes or model_graph.built_on(layer)
    if isinstance(layer, _EQUATIONS):
        return _einsum_positions(layer, shapes)
    if isinstance(layer, _TILED):
        return layer.tiles(shapes[0])
    if "Transpose" in type(layer).__name__:
        return _pixels(shapes[0], shapes[0][_channels(layer)])
    output = output_shape(layer, shapes)
    pixels = _pixels(output, output[_channels(layer)] or 1)
    last_only = getattr(layer, "return_sequences", True) is False
    steps = shapes[0][1] if last_only and shapes else 1
    return pixels * (steps or 1)


def _einsum_positions(layer, shapes):
    """The product of the sizes that the kernel does not have, of one example.

    They are read off the input: of the output, Keras does not tell them.
    """
    product = equations.Product(layer.equation, len(shapes[0]))
    given, kernel = product.given, product.kernel
    pairs = zip(given[1:], shapes[0][1:], strict=True)
    free = [size for token, size in pairs if token not in kernel]
    return _pixels((None, *free), 1)


def _pixels(shape, channels):
    """The entries of one example of a shape, per channel."""
    sizes = [size or 1 for size in shape[1:]]
    return max(math.prod(sizes) // max(channels, 1), 1)


def output_shape(layer: keras.layers.Layer, shapes: list) -> tuple:
    """The output shape; of one dynamic size, if the layer can't tell.

    Args:
        layer: Keras layer, built.
        shapes: List of tuples, of its inputs.
    """
    if isinstance(layer, keras.layers.EinsumDense):
        return _einsum_output(layer, shapes[0])
    if isinstance(layer, parts.ATTENTION):
        shapes = shapes[:2]  # Those of query and value, not of masks.
    try:
        return model_graph.first(layer.compute_output_shape(*shapes))
    except (NotImplementedError, TypeError, ValueError, IndexError):
        return (None, None)


def _einsum_output(layer, shape):
    """The output shape: Keras leaves open what the input determines."""
    product = equations.Product(layer.equation, len(shape))
    sizes = dict(zip(product.given, shape, strict=True))
    sizes |= product.sizes(layer.kernel.shape)
    return tuple(sizes[token] for token in product.made)


def _channels(layer):
    """The axis of the channels, counted from the end."""
    first = getattr(layer, "data_format", None) == "channels_first"
    return -1 - layer.rank if first else -1
