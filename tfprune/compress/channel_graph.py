"""channel_graph: which channels of which variables live and die together."""

from __future__ import annotations

import collections
import dataclasses
import functools
import typing

import keras
import numpy as np

from tfprune.compress import families
from tfprune.compress import traverse
from tfprune.compress import wiring


def channel_graph(model: keras.Model) -> ChannelGraph:
    """Finds the channels of a model that must be removed together.

    Every channel of every variable gets a number, its tie. What an operation
    needs to have in equal number gets the same: the two sides of an addition,
    a convolution's filter and the gamma, beta and statistics of the
    normalization behind it, the channel of each kernel that reads them. Where
    data moves (flatten, reshape, concatenate, ...), the numbers are moved by
    the operation itself.

    An operation that is not known is a barrier: what it takes and gives stays.

    Args:
        model: Sequential or Functional model, built, without `Prunable`
            layers. Nested models and shared layers are followed.

    Returns:
        A `ChannelGraph`.

    Raises:
        ValueError: for a subclassed model.

    Example:

    ```python
    graph = channel_graph(model)
    print(graph)  # how many ties are free, and what holds the others
    ```
    """
    traverse.check_clonable(model, "slim")
    numbers = _Numbers()
    walk = _Walk(numbers)
    inputs = [
        numbers.fixed(len(tensor.shape), "a channel of the model's input")
        for tensor in model.inputs
    ]
    for labels in wiring.follow(model, inputs, walk.step):
        numbers.fix(labels, "a channel of the model's output")
    return walk.result()


@dataclasses.dataclass(frozen=True, eq=False)
class Slot:
    """One axis of one variable whose entries belong to channels.

    Args:
        variable: Keras variable.
        axis: Integer.
        ties: Integer array, `(variable.shape[axis],)`.
        role: `"filter"`: the channels that a layer makes; `"input"`: those
            that it reads; `"shift"` and `"scale"`: what is added to them and
            multiplied with them; `"mean"` and `"variance"`: statistics.
        layer: The layer.
        where: String, its name, that of nested models before it.
    """

    variable: typing.Any
    axis: int
    ties: np.ndarray
    role: str
    layer: typing.Any
    where: str


@dataclasses.dataclass(frozen=True)
class Barrier:
    """Why some ties must stay.

    Args:
        why: String, which operation and where.
        ties: Integer array.
    """

    why: str
    ties: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class ChannelGraph:
    """The ties of a model.

    Args:
        count: Integer: ties are numbered below it, some numbers are not used.
        slots: List of `Slot`.
        barriers: List of `Barrier`: the ties that can't be removed.
        shapes: List of pairs: an operation whose config holds a size, and the
            ties of its output, in an array of size 1 along other axes.
    """

    count: int
    slots: list[Slot]
    barriers: list[Barrier]
    shapes: list[tuple]

    @functools.cached_property
    def made(self) -> np.ndarray:
        """Bool array, for each number: it is a tie that some layer makes."""
        return self._marked(x.ties for x in self.slots if x.role == "filter")

    @functools.cached_property
    def free(self) -> np.ndarray:
        """Bool array, for each number: it is a tie that may be removed."""
        return self.made & ~self._marked(x.ties for x in self.barriers)

    def families(self) -> list[np.ndarray]:
        """Returns the free ties, those together that the same layers make."""
        makers = collections.defaultdict(list)
        for index, slot in enumerate(self.slots):
            if slot.role == "filter":
                for tie in np.unique(slot.ties[self.free[slot.ties]]):
                    makers[tie].append(index)
        families = collections.defaultdict(list)
        for tie, layers in makers.items():
            families[tuple(layers)].append(tie)
        return [np.array(ties) for ties in families.values()]

    def __str__(self) -> str:
        made, free = self.made.sum(), self.free.sum()
        lines = [f"{free} of {made} ties may be removed"]
        for barrier in self.barriers:
            held = self.made[barrier.ties].sum()
            if held:
                lines.append(f"  {held} stay: {barrier.why}")
        return "\n".join(lines)

    def _marked(self, arrays):
        marked = np.zeros(self.count, bool)
        for ties in arrays:
            marked[ties] = True
        return marked


class _Numbers:
    """Numbers that can be made equal, and fixed: a union-find in arrays."""

    def __init__(self):
        self._parents = np.zeros(0, int)
        self._fixed = collections.defaultdict(list)

    @property
    def count(self):
        return self._parents.size

    def fresh(self, count):
        begin = self._parents.size
        own = np.arange(begin, begin + count)
        self._parents = np.concatenate([self._parents, own])
        return own

    def find(self, labels):
        """Returns the one number of each set."""
        labels = np.asarray(labels)
        while True:
            above = self._parents[labels]
            if np.array_equal(above, labels):
                return labels
            labels = above

    def unite(self, one, other):
        """Makes two arrays of numbers equal, entry by entry."""
        while True:
            one, other = self.find(one), self.find(other)
            low, high = np.minimum(one, other), np.maximum(one, other)
            if np.array_equal(low, high):
                return
            np.minimum.at(self._parents, high, low)

    def fix(self, labels, why):
        self._fixed[why].append(np.ravel(labels))

    def fixed(self, rank, why):
        """Returns one number for all of a tensor, that must stay."""
        label = self.fresh(1).reshape([1] * rank)
        self.fix(label, why)
        return label

    def barriers(self):
        return [
            Barrier(why, np.unique(self.find(np.concatenate(labels))))
            for why, labels in self._fixed.items()
        ]

    def squeezed(self, labels):
        """Returns labels with size 1 for axes along which they are equal."""
        labels = self.find(labels)
        for axis in range(labels.ndim):
            first = labels.take([0], axis)
            labels = first if np.all(labels == first) else labels
        return labels

    def along_one_axis(self, labels):
        """Makes labels equal along all axes but the one that has the most.

        What is removed of a tensor must be whole slices of it.
        """
        labels = self.squeezed(labels)
        if sum(size > 1 for size in labels.shape) < 2:
            return labels
        slices = [_slices(labels, axis) for axis in range(labels.ndim)]
        counts = [self._count(rows) for rows in slices]
        best = max(range(labels.ndim), key=lambda axis: (counts[axis], axis))
        self.unite(slices[best][:, :1], slices[best])
        return self.squeezed(labels)

    def vector(self, labels, axis, size):
        """Returns the number of each slice along an axis."""
        rows = _slices(labels, axis)
        self.unite(rows[:, :1], rows)
        return np.broadcast_to(self.find(rows[:, 0]), (size,))

    def _count(self, rows):
        """How many sets are left if each row becomes one."""
        trial = _Numbers()
        known, flat = np.unique(rows, return_inverse=True)
        own, rows = trial.fresh(known.size), flat.reshape(rows.shape)
        trial.unite(rows[:, :1], rows)
        return np.unique(trial.find(own)).size


def _slices(labels, axis):
    return np.moveaxis(labels, axis, 0).reshape(labels.shape[axis], -1)


class _Obstacle(Exception):
    """Why a rule does not apply to a call."""


class _Walk:
    """What each operation ties: one rule for each family."""

    def __init__(self, numbers):
        self._numbers = numbers
        self._slots = {}
        self._shapes = {}

    def step(self, call):
        """Returns the labels of what a call gives."""
        try:
            why = families.obstacle(call)
            if why:
                raise _Obstacle(why)
            if call.kind not in _RULES:
                raise _Obstacle("it is not known what it does to channels")
            given = _RULES[call.kind](self, call)
            return [self._numbers.along_one_axis(labels) for labels in given]
        except _Obstacle as error:
            return self._stop(call, f"{call.where} ({call.kind}): {error}")

    def result(self):
        find = self._numbers.find
        slots = [
            dataclasses.replace(slot, ties=find(slot.ties))
            for slot in self._slots.values()
        ]
        shapes = [
            (operation, find(labels))
            for operation, labels in self._shapes.values()
        ]
        barriers = self._numbers.barriers()
        return ChannelGraph(self._numbers.count, slots, barriers, shapes)

    def _stop(self, call, why):
        for labels in call.inputs:
            self._numbers.fix(labels, why)
        return [
            self._numbers.fixed(len(shape or (None,)), why)
            for shape in call.shapes
        ]

    def _input(self, call):
        return [self._shaped(call, call.inputs[0])]

    def _dense(self, call):
        return self._make(call, -2, -1)

    def _conv_transpose(self, call):
        return self._make(call, -1, -2)

    def _make(self, call, inputs, filters):
        """Ties what a kernel reads and makes, its axes given."""
        layer = call.operation
        made = self._slot(call, "kernel", filters, "filter")
        groups = getattr(layer, "groups", 1)
        read = self._read(call, layer.kernel.shape[inputs] * groups)
        if groups == 1:
            self._slot(call, "kernel", inputs, "input", read)
        elif groups == read.size:  # Whole groups may go.
            self._numbers.unite(np.repeat(read, made.size // groups), made)
        else:  # All groups lose the same.
            for rows in (read.reshape(groups, -1), made.reshape(groups, -1)):
                self._numbers.unite(rows[:1], rows)
            share = read[: read.size // groups]
            self._slot(call, "kernel", inputs, "input", share)
        self._slot(call, "bias", 0, "shift", made)
        return [self._placed(call, made)]

    def _depthwise(self, call):
        read = self._slot(call, "kernel", -2, "scale")
        self._numbers.unite(read, self._read(call, read.size))
        made = np.repeat(read, call.operation.depth_multiplier)
        self._slot(call, "bias", 0, "shift", made)
        return [self._placed(call, made)]

    def _separable(self, call):
        read = self._slot(call, "depthwise_kernel", -2, "scale")
        self._numbers.unite(read, self._read(call, read.size))
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
        read = self._numbers.vector(call.inputs[0], axis, size)
        for name, role in _NORMALIZATION.items():
            self._slot(call, name, 0, role, read)
        return call.inputs

    def _group_norm(self, call):
        layer = call.operation
        size = call.tensors[0].shape[layer.axis]
        read = self._numbers.vector(call.inputs[0], layer.axis, size)
        rows = read.reshape(layer.groups, -1)
        self._numbers.unite(rows[:, :1], rows)
        for name in ("gamma", "beta"):
            self._slot(call, name, 0, _NORMALIZATION[name], read)
        return [self._shaped(call, call.inputs[0])]

    def _prelu(self, call):
        labels, alpha = call.inputs[0], call.operation.alpha
        for axis, size in enumerate(alpha.shape):
            if size > 1 and labels.shape[axis + 1] > 1:
                read = self._numbers.vector(labels, axis + 1, size)
                self._slot(call, "alpha", axis, "scale", read)
        return [labels]

    def _elementwise(self, call):
        self._check_alone(call)
        return call.inputs

    def _merge(self, call):
        if len({len(tensor.shape) for tensor in call.tensors}) > 1:
            raise _Obstacle("what it takes differs in rank")
        wide = [
            labels
            for labels, tensor in zip(call.inputs, call.tensors, strict=True)
            if not self._is_spread(call, labels, tensor)
        ]
        wide = np.broadcast_arrays(*wide)
        for labels in wide[1:]:
            self._numbers.unite(wide[0], labels)
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
            self._numbers.fix(labels, why)
        return any(spread)

    def _spatial(self, call):
        labels = call.inputs[0]
        axis = families.channel_axis(call.operation, labels.ndim)
        if labels.size > labels.shape[axis]:
            raise _Obstacle("channels lie along an axis of space")
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
            raise _Obstacle("it runs over channels")
        return [labels if operation.keepdims else labels.squeeze(axes)]

    def _move(self, call):
        self._check_alone(call)
        if None in call.tensors[0].shape[1:]:
            raise _Obstacle("it takes a size that only a call settles")
        moved = families.move(call, call.inputs)
        if [x.shape[1:] for x in moved] != [x[1:] for x in call.shapes]:
            raise _Obstacle("it moves data between examples")
        moved = [self._numbers.along_one_axis(labels) for labels in moved]
        if any(labels.shape[0] > 1 for labels in moved):
            raise _Obstacle("it moves data between examples")
        if call.kind == "Reshape":
            moved = [self._shaped(call, moved[0])]
        return moved

    def _concatenate(self, call):
        axis = call.operation.axis % len(call.tensors[0].shape)
        if axis == 0 or any(x.shape[axis] is None for x in call.tensors):
            raise _Obstacle("it takes a size that only a call settles")
        return [families.concatenate(call, call.inputs, axis)]

    def _get_item(self, call):
        labels, key = call.inputs[0], families.places(call)
        if any(type(place) not in (slice, int) for place in key):
            raise _Obstacle("it takes more than slices and integers")
        for place, size in zip(key, labels.shape, strict=False):
            if place != slice(None) and size > 1:
                raise _Obstacle("it takes some channels, by their places")
        return [families.get_item(call, labels)]

    def _check_alone(self, call):
        if len(call.tensors) > 1:
            raise _Obstacle("its arguments are computed")

    def _read(self, call, size):
        """Returns the labels of the channels that a layer takes."""
        labels = call.inputs[0]
        axis = families.channel_axis(call.operation, labels.ndim)
        return self._numbers.vector(labels, axis, size)

    def _placed(self, call, made):
        """Returns the labels of what a layer of weights gives."""
        if not families.is_elementwise(call.operation.activation):
            why = f"{call.where} ({call.kind}): its activation is not known"
            self._numbers.fix(made, f"{why} to be elementwise")
        rank = len(call.tensors[0].shape)
        shape = [1] * rank
        shape[families.channel_axis(call.operation, rank)] = made.size
        return made.reshape(shape)

    def _shaped(self, call, labels):
        """Remembers the labels of what a call gives."""
        own = call.operation
        _, known = self._shapes.setdefault(id(own), (own, labels))
        self._numbers.unite(known, labels)
        return labels

    def _slot(self, call, name, axis, role, labels=None):
        """Ties an axis of a variable, if there is one; returns its labels."""
        variable = getattr(call.operation, name, None)
        if variable is None:
            return labels
        axis %= len(variable.shape)
        key = id(variable), axis
        if key not in self._slots:
            own = self._numbers.fresh(variable.shape[axis])
            self._slots[key] = Slot(
                variable, axis, own, role, call.operation, call.where
            )
        if labels is not None:
            self._numbers.unite(self._slots[key].ties, labels)
        return self._slots[key].ties


_NORMALIZATION = {
    "gamma": "scale",
    "beta": "shift",
    "moving_mean": "mean",
    "moving_variance": "variance",
}
_RULES = {
    "InputLayer": _Walk._input,
    "Embedding": _Walk._embedding,
    "BatchNormalization": _Walk._batch_norm,
    "GroupNormalization": _Walk._group_norm,
    "PReLU": _Walk._prelu,
    "Concatenate": _Walk._concatenate,
    "GetItem": _Walk._get_item,
    **dict.fromkeys(families.DENSE | families.CONV, _Walk._dense),
    **dict.fromkeys(families.CONV_TRANSPOSE, _Walk._conv_transpose),
    **dict.fromkeys(families.DEPTHWISE, _Walk._depthwise),
    **dict.fromkeys(families.SEPARABLE, _Walk._separable),
    **dict.fromkeys(families.ELEMENTWISE, _Walk._elementwise),
    **dict.fromkeys(families.MERGE, _Walk._merge),
    **dict.fromkeys(families.SPATIAL, _Walk._spatial),
    **dict.fromkeys(families.GLOBAL_POOLING, _Walk._global_pooling),
    **dict.fromkeys(families.REDUCTION, _Walk._reduction),
    **dict.fromkeys(families.MOVE, _Walk._move),
}
