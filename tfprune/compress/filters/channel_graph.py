"""channel_graph: which channels of a model must be pruned as a group."""

from __future__ import annotations

import collections
import dataclasses
import functools

import keras
import numpy as np

from tfprune.compress.filters import channel_sets
from tfprune.compress.filters import channels as coupled
from tfprune.compress.filters.operations import einsum
from tfprune.compress.filters.operations import registry
from tfprune.graph import model_graph
from tfprune.graph import traversal


def channel_graph(model: keras.Model) -> ChannelGraph:
    """Finds the channels of a model that must be removed together.

    Every channel of every variable gets a number. Channels that an operation
    couples get the same: the two sides of an addition, a convolution's filter
    and the gamma, beta and statistics of the normalization behind it, the
    channel of each kernel that reads them. Where data moves (flatten, reshape,
    concatenate, ...), the numbers are moved by the operation itself.

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
    print(graph)  # how many channels are free, and what holds the others
    ```
    """
    traversal.check_clonable(model, "remove filters of")
    return build(model_graph.ModelGraph(model))


def build(graph: model_graph.ModelGraph) -> ChannelGraph:
    """The channels of a model, from its graph: see `channel_graph`.

    What lies along several axes is taken for heads where that frees more.
    """
    found = _coupled(graph, coupled.Channels())
    if not any(
        barrier.reason.endswith(einsum.SUMMED) for barrier in found.barriers
    ):
        return found
    other = _coupled(graph, coupled.Channels(channel_sets.heads))
    return max(found, other, key=lambda x: x.free.sum())


def _coupled(graph, found):
    inputs = [
        found.fixed(len(tensor.shape), "a channel of the model's input")
        for tensor in graph.model.inputs
    ]
    step = functools.partial(registry.couple, channels=found)
    for labels in graph.follow(inputs, step):
        found.fix(labels, "a channel of the model's output")
    barriers = [Barrier(*item) for item in found.barriers().items()]
    return ChannelGraph(
        graph, found.count, found.axes, barriers, found.shapes, found.parts
    )


@dataclasses.dataclass(frozen=True)
class Barrier:
    """Why some channels must stay.

    Args:
        reason: String, which operation and where.
        channels: Integer array.
    """

    reason: str
    channels: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Group:
    """A dependency group: the same layers make these channels.

    Slices that cut what layers give take all or none of them.

    Args:
        makers: Tuple of `ChannelAxis`, where these layers make them.
        channels: Integer array.
    """

    makers: tuple[coupled.ChannelAxis, ...]
    channels: np.ndarray

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of the layers, once for each axis."""
        return tuple(axis.layer.name for axis in self.makers)


@dataclasses.dataclass(frozen=True, eq=False)
class ChannelGraph:
    """The channels of a model, a number for all that are coupled.

    Args:
        model_graph: `ModelGraph` that they were found in.
        count: Integer: numbers are below it, some are not used.
        axes: List of `coupled.ChannelAxis`.
        barriers: List of `Barrier`: the channels that can't be removed.
        shapes: List of pairs: a `calls.Call` of an operation that holds their
            number, and channels, in an array of size 1 along other axes.
        parts: List of integer arrays, the channels of tensors that were cut
            off: one of each must stay.
    """

    model_graph: model_graph.ModelGraph
    count: int
    axes: list[coupled.ChannelAxis]
    barriers: list[Barrier]
    shapes: list[tuple]
    parts: list[np.ndarray]

    @functools.cached_property
    def made(self) -> np.ndarray:
        """Bool array, for each number: some layer makes this channel."""
        return self._marked(x.channels for x in self.axes if x.role == "filter")

    @functools.cached_property
    def free(self) -> np.ndarray:
        """Bool array, for each number: this channel may be removed."""
        return self.made & ~self._marked(x.channels for x in self.barriers)

    def groups(self, free: np.ndarray | None = None) -> list[Group]:
        """The free channels, in dependency groups.

        Args:
            free: Bool array, `(count,)`, or None for `self.free`.
        """
        free = self.free if free is None else free
        makers = collections.defaultdict(list)
        for index, axis in enumerate(self.axes):
            if axis.role == "filter":
                for channel in np.unique(axis.channels[free[axis.channels]]):
                    makers[channel].append(index)
        groups = collections.defaultdict(list)
        for channel, places in sorted(makers.items()):
            groups[tuple(places), self._cuts[channel]].append(channel)
        return [
            Group(tuple(self.axes[i] for i in places), np.array(channels))
            for (places, _), channels in groups.items()
        ]

    def __str__(self) -> str:
        made, free = self.made.sum(), self.free.sum()
        lines = [f"{free} of {made} channels may be removed"]
        for barrier in self.barriers:
            held = self.made[barrier.channels].sum()
            if held:
                lines.append(f"  {held} stay: {barrier.reason}")
        return "\n".join(lines)

    @functools.cached_property
    def _cuts(self):
        """Channel to the numbers of the parts that it is in."""
        found = collections.defaultdict(tuple)
        for index, channels in enumerate(self.parts):
            for channel in np.unique(channels):
                found[channel] += (index,)
        return found

    def _marked(self, arrays):
        marked = np.zeros(self.count, bool)
        for channels in arrays:
            marked[channels] = True
        return marked
