"""projection: from which sparsity layers get faster, by a roofline model."""

from __future__ import annotations

import dataclasses
import math
import typing

import keras

from tfprune.core import units
from tfprune.graph import cost
from tfprune.graph import leaves
from tfprune.graph import model_graph
from tfprune.profiling import machines
from tfprune.profiling import roofline
from tfprune.utils import counts
from tfprune.utils import tables
from tfprune.utils import validation

_KINDS = (keras.layers.Conv2D, keras.layers.Dense)
_FLOAT = 4  # Bytes.
_HEADS = ("layer", "useful from", "to", "gain", "sparsity", "now", "decision")


def project(
    model: keras.Model,
    machine: str | roofline.MachineProfile,
    batch_size: int = 1,
    least_gain: float = 1.1,
) -> Projection:
    """Projects between which sparsities each layer gets faster on a machine.

    Args:
        model: Keras model, pruned or not, built.
        machine: `MachineProfile`, as `tfprune.profiling.calibrate()` measures
            it, or the name of a published one: `"xeon_e5_2697v4"`,
            `"atom_c2750"`.
        batch_size: Integer, examples in a call. Defaults to 1.
        least_gain: Float >= 1: layers that are projected to be less than so
            many times faster at best are not worth it. Defaults to 1.1.

    Returns:
        A `Projection`. Print it, or give its `settings()` to a method.

    Raises:
        ValueError: for an unknown machine, or a number out of range.

    Example:

    ```python
    found = tfprune.profiling.project(model, tfprune.profiling.calibrate())
    method = tfprune.methods.Guided(settings=found.settings())
    ```

    Reference:
        Park et al. Faster CNNs with Direct Sparse Convolutions and Guided
        Pruning. ICLR 2017.
    """
    graph = model_graph.ModelGraph(model)
    return build(graph, machine, batch_size, least_gain)


def build(
    graph: model_graph.ModelGraph,
    machine: str | roofline.MachineProfile,
    batch_size: int = 1,
    least_gain: float = 1.1,
) -> Projection:
    """The projection of a model, from its graph: see `project`."""
    profile = machines.get(machine)
    validation.check_count("batch_size", batch_size, least=1)
    validation.check("least_gain", least_gain, least_gain >= 1, ">= 1")
    rows = [
        _row(leaf, graph.calls, profile, batch_size, least_gain)
        for leaf in leaves.leaves(graph.model)
        if isinstance(leaf.layer, _KINDS)
    ]
    title = machine if isinstance(machine, str) else "this machine"
    title = f"{graph.model.name} on {title}, batch {batch_size}"
    return Projection(title, rows)


@dataclasses.dataclass(frozen=True)
class LayerProjection:
    """What is projected for one layer.

    Args:
        name: String, name of the layer.
        lower: Float, the sparsity from which on it is faster than dense.
        upper: Float, the sparsity from which on it gets no faster.
        gain: Float, how many times faster than dense it is from there on.
        worth: Bool: whether that is enough to prune the layer for.
        sparsity: Float, of now.
        speedup: Float, how many times faster than dense it is of now.
    """

    name: str
    lower: float
    upper: float
    gain: float
    worth: bool
    sparsity: float
    speedup: float

    @property
    def decision(self) -> str:
        """`"dense"`, `"prune"`, `"useful"` or `"enough"`: where it stands."""
        if not self.worth:
            return "dense"
        if self.sparsity < self.lower:
            return "prune"
        return "useful" if self.sparsity < self.upper else "enough"


@dataclasses.dataclass(frozen=True)
class Projection:
    """The projections for a model on a machine.

    Args:
        title: String: the model, the machine, and the batch.
        rows: List of `LayerProjection`, the convolutions and dense layers.
    """

    title: str
    rows: list[LayerProjection]

    def __getitem__(self, name: str) -> LayerProjection:
        """The row of a layer."""
        return {row.name: row for row in self.rows}[name]

    def settings(self) -> dict[str, None]:
        """Settings that skip the layers that would not get faster."""
        return {row.name: None for row in self.rows if not row.worth}

    def to_dict(self) -> dict[str, typing.Any]:
        """All numbers, as JSON can have them."""
        rows = [
            {**dataclasses.asdict(row), "decision": row.decision}
            for row in self.rows
        ]
        return {"title": self.title, "layers": rows}

    def cells(self) -> list[list[str]]:
        """The table as rows of strings, the header first."""
        return [list(_HEADS), *map(_cells, self.rows)]

    def __str__(self) -> str:
        return "\n".join([self.title, *tables.aligned(self.cells())])


def sparsity(kernel) -> float:
    """The fraction of zeros of a kernel under its mask, if any."""
    values = units.masked(kernel)
    return 1 - counts.kept(values) / max(values.size, 1)


def _row(leaf, calls, machine, batch_size, least_gain):
    layer = leaf.layer
    work = _work(layer, calls.get(id(layer)), batch_size)
    least, greatest = roofline.useful_densities(work, machine)
    gain = roofline.speedup(work, least, machine)
    now = sparsity(layer.kernel)
    return LayerProjection(
        leaf.address,
        lower=1 - greatest,
        upper=1 - least,
        gain=gain,
        worth=least < greatest and gain >= least_gain,
        sparsity=now,
        speedup=roofline.speedup(work, 1 - now, machine),
    )


def _work(layer, calls, batch_size):
    """The work of all calls of a layer; its weights are read in each."""
    return roofline.Work(
        2 * batch_size * cost.macs(layer, calls),
        _FLOAT * batch_size * cost.activations(layer, calls),
        _FLOAT * math.prod(layer.kernel.shape) * len(calls or [None]),
    )


def _cells(row):
    return [
        row.name,
        f"{row.lower:.1%}",
        f"{row.upper:.1%}",
        f"{row.gain:.1f}x",
        f"{row.sparsity:.1%}",
        f"{row.speedup:.1f}x",
        row.decision,
    ]
