"""channel_rules: what each operation ties, one rule for each family."""

from __future__ import annotations

import dataclasses
import typing

import numpy as np

from tfprune.compress.filters import families


@dataclasses.dataclass(frozen=True, eq=False)
class ChannelAxis:
    """One axis of one variable whose entries belong to channels.

    Args:
        variable: Keras variable.
        axis: Integer.
        channels: Integer array, `(variable.shape[axis],)`, their numbers.
        role: `"filter"`: the channels that a layer makes; `"input"`: those
            that it reads; `"shift"` and `"scale"`: what is added to them and
            multiplied with them; `"mean"` and `"variance"`: statistics.
        layer: The layer.
        where: String, its name, that of nested models before it.
    """

    variable: typing.Any
    axis: int
    channels: np.ndarray
    role: str
    layer: typing.Any
    where: str


class Unsupported(Exception):
    """Why a rule does not apply to a call."""


class Walk:
    """What each operation ties: one rule for each family."""

    def __init__(self, ties):
        self._ties = ties
        self._slots = {}
        self._shapes = {}

    def step(self, call):
        """Returns the labels of what a call gives."""
        try:
            why = families.unsupported_reason(call)
            if why:
                raise Unsupported(why)
            if call.kind not in _RULES:
                raise Unsupported("it is not known what it does to channels")
            given = _RULES[call.kind](self, call)
            return [self._ties.along_one_axis(labels) for labels in given]
        except Unsupported as error:
            return self._stop(call, f"{call.where} ({call.kind}): {error}")

    @property
    def axes(self) -> list[ChannelAxis]:
        """The axes of variables that belong to channels."""
        return [
            dataclasses.replace(dim, channels=self._ties.find(dim.channels))
            for dim in self._slots.values()
        ]

    @property
    def shapes(self) -> list[tuple]:
        """Pairs: an operation whose config holds a size, and labels."""
        return [
            (operation, self._ties.find(labels))
            for operation, labels in self._shapes.values()
        ]

    def _stop(self, call, why):
        for labels in call.inputs:
            self._ties.fix(labels, why)
        return [
            self._ties.fixed(len(shape or (None,)), why)
            for shape in call.shapes
        ]

    def _input(self, call):
        return [self._shaped(call, call.inputs[0])]

    def _dense(self, call):
        return self._make(call, -2, -1)

    def _conv_transpose(self, call):
        return self._make(call, -1, -2)

    def _make(self, call, inputs, filters):
        """Couples what a kernel reads and makes, its axes given."""
        layer = call.operation
        made = self._slot(call, "kernel", filters, "filter")
        groups = getattr(layer, "groups", 1)
        read = self._read(call, layer.kernel.shape[inputs] * groups)
        if groups == 1:
            self._slot(call, "kernel", inputs, "input", read)
        elif groups == read.size:  # Whole groups may go.
            self._ties.unite(np.repeat(read, made.size // groups), made)
        else:  # All groups lose the same.
            for rows in (read.reshape(groups, -1), made.reshape(groups, -1)):
                self._ties.unite(rows[:1], rows)
            share = read[: read.size // groups]
            self._slot(call, "kernel", inputs, "input", share)
        self._slot(call, "bias", 0, "shift", made)
        return [self._placed(call, made)]

    def _depthwise(self, call):
        read = self._slot(call, "kernel", -2, "scale")
        self._ties.unite(read, self._read(call, read.size))
        made = np.repeat(read, call.operation.depth_multiplier)
        self._slot(call, "bias", 0, "shift", made)
        return [self._placed(call, made)]

    def _separable(self, call):
        read = self._slot(call, "depthwise_kernel", -2, "scale")
        self._ties.unite(read, self._read(call, read.size))
        between = np.repeat(read, call.operation.depth_multiplier)
        self._slot(call, "pointwise_kernel", -2, "input", between)
        made = self._slot(call, "pointwise_kernel", -1, "filter")
        self._slot(call, "bias", 0, "shift", made)
        return [self._placed(call, made)]

    def _embedding(self, call):
        made = self._slot(call, "embeddings", -1, "filter")
        rank = len(call.tensors[0].shape) + 1
        return [made.reshape([1] * (rank - 1) + [-1])]

    def _batch_norm(self, call):
        axis = call.operation.axis
        size = call.tensors[0].shape[axis]
        read = self._ties.vector(call.inputs[0], axis, size)
        for name, role in _NORMALIZATION.items():
            self._slot(call, name, 0, role, read)
        return call.inputs

    def _group_norm(self, call):
        layer = call.operation
        size = call.tensors[0].shape[layer.axis]
        read = self._ties.vector(call.inputs[0], layer.axis, size)
        rows = read.reshape(layer.groups, -1)
        self._ties.unite(rows[:, :1], rows)
        for name in ("gamma", "beta"):
            self._slot(call, name, 0, _NORMALIZATION[name], read)
        return [self._shaped(call, call.inputs[0])]

    def _prelu(self, call):
        labels, alpha = call.inputs[0], call.operation.alpha
        for axis, size in enumerate(alpha.shape):
            if size > 1 and labels.shape[axis + 1] > 1:
                read = self._ties.vector(labels, axis + 1, size)
                self._slot(call, "alpha", axis, "scale", read)
        return [labels]

    def _elementwise(self, call):
        self._check_alone(call)
        return call.inputs

    def _merge(self, call):
        if len({len(tensor.shape) for tensor in call.tensors}) > 1:
            raise Unsupported("what it takes differs in rank")
        wide = [
            labels
            for labels, tensor in zip(call.inputs, call.tensors, strict=True)
            if not self._is_spread(call, labels, tensor)
        ]
        wide = np.broadcast_arrays(*wide)
        for labels in wide[1:]:
            self._ties.unite(wide[0], labels)
        return [wide[0]]

    def _is_spread(self, call, labels, tensor):
        """Tells whether one value is used for channels; it must stay then."""
        sizes = np.max([x.shape for x in call.inputs], axis=0)
        spread = [
            size == 1 and channels > 1
            for size, channels in zip(tensor.shape, sizes, strict=True)
        ]
        if any(spread):
            why = f"{call.where} ({call.kind}): it goes to all channels"
            self._ties.fix(labels, why)
        return any(spread)

    def _spatial(self, call):
        labels = call.inputs[0]
        axis = families.channel_axis(call.operation, labels.ndim)
        if labels.size > labels.shape[axis]:
            raise Unsupported("channels lie along an axis of space")
        return [labels]

    def _global_pooling(self, call):
        (labels,) = self._spatial(call)
        layer = call.operation
        axis = families.channel_axis(layer, labels.ndim)
        kept = labels.ndim if layer.keepdims else 2
        others = [1] * (kept - 1)
        others.insert(axis if layer.keepdims else 1, labels.shape[axis])
        return [labels.reshape(others)]

    def _reduction(self, call):
        self._check_alone(call)
        labels, operation = call.inputs[0], call.operation
        axes = range(labels.ndim) if operation.axis is None else operation.axis
        axes = tuple(axis % labels.ndim for axis in np.atleast_1d(axes))
        if 0 in axes or any(labels.shape[axis] > 1 for axis in axes):
            raise Unsupported("it runs over channels")
        return [labels if operation.keepdims else labels.squeeze(axes)]

    def _move(self, call):
        self._check_alone(call)
        if None in call.tensors[0].shape[1:]:
            raise Unsupported("it takes a size that only a call settles")
        moved = families.move(call, call.inputs)
        if [x.shape[1:] for x in moved] != [x[1:] for x in call.shapes]:
            raise Unsupported("it moves data between examples")
        moved = [self._ties.along_one_axis(labels) for labels in moved]
        if any(labels.shape[0] > 1 for labels in moved):
            raise Unsupported("it moves data between examples")
        if call.kind == "Reshape":
            moved = [self._shaped(call, moved[0])]
        return moved

    def _concatenate(self, call):
        axis = call.operation.axis % len(call.tensors[0].shape)
        if axis == 0 or any(x.shape[axis] is None for x in call.tensors):
            raise Unsupported("it takes a size that only a call settles")
        return [families.concatenate(call, call.inputs, axis)]

    def _pad(self, call):
        self._check_alone(call)
        labels = call.inputs[0]
        if any(labels.shape[axis] > 1 for axis in families.padded(call)):
            raise Unsupported("it adds channels")
        if call.kwargs.get("constant_values"):
            raise Unsupported("what it adds is not zero")
        return [labels]

    def _split(self, call):
        """Couples the pieces, so that all of them lose the same."""
        labels, sections = call.inputs[0], call.operation.indices_or_sections
        axis = call.operation.axis % labels.ndim
        if labels.shape[axis] > 1 and not isinstance(sections, int):
            raise Unsupported("it cuts channels at places")
        pieces = families.split(call, labels)
        for piece in pieces[1:]:
            self._ties.unite(pieces[0], piece)
        return pieces

    def _get_item(self, call):
        labels, key = call.inputs[0], families.places(call)
        if any(type(place) not in (slice, int) for place in key):
            raise Unsupported("it takes more than slices and integers")
        for place, size in zip(key, labels.shape, strict=False):
            if place != slice(None) and size > 1:
                raise Unsupported("it takes some channels, by their places")
        return [families.get_item(call, labels)]

    def _check_alone(self, call):
        if len(call.tensors) > 1:
            raise Unsupported("its arguments are computed")

    def _read(self, call, size):
        """Returns the labels of the channels that a layer takes."""
        labels = call.inputs[0]
        axis = families.channel_axis(call.operation, labels.ndim)
        return self._ties.vector(labels, axis, size)

    def _placed(self, call, made):
        """Returns the labels of what a layer of weights gives."""
        if not families.is_elementwise(call.operation.activation):
            why = f"{call.where} ({call.kind}): its activation is not known"
            self._ties.fix(made, f"{why} to be elementwise")
        rank = len(call.tensors[0].shape)
        shape = [1] * rank
        shape[families.channel_axis(call.operation, rank)] = made.size
        return made.reshape(shape)

    def _shaped(self, call, labels):
        """Remembers the labels of what a call gives."""
        own = call.operation
        _, known = self._shapes.setdefault(id(own), (own, labels))
        self._ties.unite(known, labels)
        return labels

    def _slot(self, call, name, axis, role, labels=None):
        """Couples an axis of a variable, if there is one; returns labels."""
        variable = getattr(call.operation, name, None)
        if variable is None:
            return labels
        axis %= len(variable.shape)
        key = id(variable), axis
        if key not in self._slots:
            own = self._ties.fresh(variable.shape[axis])
            self._slots[key] = ChannelAxis(
                variable, axis, own, role, call.operation, call.where
            )
        if labels is not None:
            self._ties.unite(self._slots[key].channels, labels)
        return self._slots[key].channels


_NORMALIZATION = {
    "gamma": "scale",
    "beta": "shift",
    "moving_mean": "mean",
    "moving_variance": "variance",
}
_RULES = {
    "InputLayer": Walk._input,
    "Embedding": Walk._embedding,
    "BatchNormalization": Walk._batch_norm,
    "GroupNormalization": Walk._group_norm,
    "PReLU": Walk._prelu,
    "Concatenate": Walk._concatenate,
    "GetItem": Walk._get_item,
    "Pad": Walk._pad,
    "Split": Walk._split,
    **dict.fromkeys(families.DENSE | families.CONV, Walk._dense),
    **dict.fromkeys(families.CONV_TRANSPOSE, Walk._conv_transpose),
    **dict.fromkeys(families.DEPTHWISE, Walk._depthwise),
    **dict.fromkeys(families.SEPARABLE, Walk._separable),
    **dict.fromkeys(families.ELEMENTWISE, Walk._elementwise),
    **dict.fromkeys(families.MERGE, Walk._merge),
    **dict.fromkeys(families.SPATIAL, Walk._spatial),
    **dict.fromkeys(families.GLOBAL_POOLING, Walk._global_pooling),
    **dict.fromkeys(families.REDUCTION, Walk._reduction),
    **dict.fromkeys(families.MOVE, Walk._move),
}
