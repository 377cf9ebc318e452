"""zero_filters: the filters of least norm become zero, at once."""

from __future__ import annotations

import keras
import numpy as np

from tfprune import backend
from tfprune.compress import strip
from tfprune.compress.filters import channel_graph
from tfprune.compress.filters import choice
from tfprune.compress.filters import compensate as fitting
from tfprune.compress.filters.operations import registry
from tfprune.graph import cloning
from tfprune.graph import opening
from tfprune.utils import validation

ZEROED = ("filter", "scale", "shift", "mean")


def zero_filters(
    model: keras.Model,
    sparsity: float | dict[str, float] = 0.5,
    compensate=None,
) -> keras.Model:
    """Makes a copy of a model in which a part of its filters gives zero.

    Filters that are coupled (see `channel_graph`) go together. The score of a
    channel is the mean over its filters of their squared norms, each divided
    by the mean of its kernel. The least of each dependency group go.

    Args:
        model: Sequential or Functional model without `Prunable` layers.
        sparsity: Float in [0, 1), the part of them that goes, rounded down.
            Or a dict, layer to that: filters go that one of its layers makes.
            Of a layer that makes several kinds, such as attention, a key may
            name one by the argument that is its number: `"layer/num_heads"`.
            Defaults to 0.5.
        compensate: Array of examples, or arrays in the nest that the model
            takes: some hundreds, without labels, as one batch. Those channels
            go that the others can best be fitted to do without; what reads
            them is fitted, by least squares, to give what it gave, and
            normalizations follow. Defaults to None: nothing is fitted.

    Returns:
        A Keras model of the same shape. What goes is zero in kernels, biases,
        normalizations and their means. `remove_filters` makes it smaller.

    Raises:
        ValueError: for a subclassed model, one that is not stripped, weights
            that are not finite, an unknown layer, or examples that the model
            does not take.

    Example:

    ```python
    zeroed = zero_filters(model, 0.5, compensate=x_train[:1000])
    small = tfprune.remove_filters(zeroed).model
    ```

    Reference:
        Li et al. Pruning Filters for Efficient ConvNets. ICLR 2017. Kurtic et
        al. ZipLM: Inference-Aware Structured Pruning of Language Models.
        NeurIPS 2023.
    """
    strip.check_stripped(model, "remove filters of")
    validation.check_finite("model", model.variables)
    data = _checked(model, compensate)
    zeroed = cloning.clone(model, lambda layer, copied: copied)
    opened = opening.open_composites(zeroed, registry.is_known)
    graph = channel_graph.channel_graph(opened.model)
    removed = choice.removed(graph, sparsity, data)
    zero(graph, removed)
    if data is not None:
        dense = opening.open_composites(model, registry.is_known).model
        fitting.compensate(dense, graph, removed, data)
    write_back(opened, zeroed)
    return zeroed


def write_back(opened: opening.Opened, model: keras.Model) -> None:
    """Writes the weights of an opened model to the model that it is of.

    Args:
        opened: `Opened`.
        model: Keras model.
    """
    for variable in opened.model.variables if opened.names else ():
        original = opened.original(variable)
        original.assign(keras.ops.reshape(variable, original.shape))
    cloning.refresh(model)


def zero(graph: channel_graph.ChannelGraph, removed: np.ndarray) -> None:
    """Makes all that gives some channels zero, in place.

    Args:
        graph: `ChannelGraph`.
        removed: Bool array, `(graph.count,)`, True for these.
    """
    for variable, value in zeroed(graph, removed):
        variable.assign(value)
    for axis in graph.axes:
        cloning.refresh(axis.layer)


def zeroed(graph: channel_graph.ChannelGraph, removed: np.ndarray) -> list:
    """What variables would be if all that gives some channels were zero.

    Args:
        graph: `ChannelGraph`.
        removed: Bool array, `(graph.count,)`, True for these.

    Returns:
        List of (variable, array): those that would change.
    """
    found: dict[int, tuple] = {}
    for axis in graph.axes:
        if axis.role in ZEROED and removed[axis.channels].any():
            value = np.array(backend.to_numpy(axis.variable))
            _, value = found.setdefault(
                id(axis.variable), (axis.variable, value)
            )
            rows = np.moveaxis(value, axis.axis, 0)
            rows[removed[axis.channels]] = axis.zero
    return list(found.values())


def _checked(model, data):
    """The examples as a list of arrays, or None."""
    if data is None:
        return None
    arrays = list(map(np.asarray, keras.tree.flatten(data)))
    wanted = [x.shape for x in model.inputs]
    given = [x.shape for x in arrays]
    fits = len(given) == len(wanted) and all(map(_fits, given, wanted))
    if not fits or len({shape[0] for shape in given}) > 1 or not given[0][0]:
        raise ValueError(
            "`compensate` must be examples as the model takes them, some "
            f"hundreds: arrays of shapes {wanted}. Received: {given}."
        )
    return arrays


def _fits(shape, wanted):
    return len(shape) == len(wanted) and all(
        one == other
        for one, other in zip(shape[1:], wanted[1:], strict=True)
        if other is not None
    )
