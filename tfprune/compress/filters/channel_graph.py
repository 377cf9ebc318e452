"""channel_graph: which channels of which variables live and die together."""

from __future__ import annotations

import collections
import dataclasses
import functools

import keras
import numpy as np

from tfprune.compress.filters import channel_rules
from tfprune.compress.filters import union_find
from tfprune.graph import nodes
from tfprune.graph import traversal


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
    traversal.check_clonable(model, "slim")
    ties = union_find.Ties()
    walk = channel_rules.Walk(ties)
    inputs = [
        ties.fixed(len(tensor.shape), "a channel of the model's input")
        for tensor in model.inputs
    ]
    for labels in nodes.follow(model, inputs, walk.step):
        ties.fix(labels, "a channel of the model's output")
    barriers = [Barrier(*item) for item in ties.barriers().items()]
    return ChannelGraph(ties.count, walk.slots, barriers, walk.shapes)


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
        slots: List of `channel_rules.Slot`.
        barriers: List of `Barrier`: the ties that can't be removed.
        shapes: List of pairs: an operation whose config holds a size, and the
            ties of its output, in an array of size 1 along other axes.
    """

    count: int
    slots: list[channel_rules.Slot]
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

    def families(self, free: np.ndarray | None = None) -> list[np.ndarray]:
        """Returns the free ties, those together that the same layers make.

        Args:
            free: Bool array, `(count,)`, or None for `self.free`.
        """
        return list(self.makers(free).values())

    def makers(self, free: np.ndarray | None = None) -> dict:
        """Returns places of slots to the free ties that these slots make."""
        free = self.free if free is None else free
        makers = collections.defaultdict(list)
        for index, slot in enumerate(self.slots):
            if slot.role == "filter":
                for tie in np.unique(slot.ties[free[slot.ties]]):
                    makers[tie].append(index)
        families = collections.defaultdict(list)
        for tie, layers in sorted(makers.items()):
            families[tuple(layers)].append(tie)
        return {places: np.array(ties) for places, ties in families.items()}

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
