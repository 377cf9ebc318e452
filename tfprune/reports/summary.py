"""report: what pruning left of a model, in one object."""

from __future__ import annotations

import dataclasses
import json
import pathlib

import keras

from tfprune.core import units
from tfprune.graph import leaves
from tfprune.graph import model_graph
from tfprune.profiling import projection as projection_lib
from tfprune.profiling import roofline
from tfprune.reports import checks
from tfprune.reports import rows as rows_lib
from tfprune.reports import text
from tfprune.utils import counts


def report(
    model: keras.Model,
    title: str | None = None,
    machine: str | roofline.MachineProfile | None = None,
    batch_size: int = 1,
) -> Report:
    """Counts what is left of a pruned, a stripped or any other model.

    `kept = non-zero entries of arrays with a mask + all of the others`

    A model without masks is read by its zeros: those of kernels and biases
    count as pruned in each layer whose kernels have more than 1 in 10 000,
    which is more than initialisers leave.

    Args:
        model: Keras model, built.
        title: String. Defaults to the name of the model.
        machine: As of `tfprune.profiling.project`: the report also tells which
            layers are sparse enough to be faster there. Defaults to None: it
            does not.
        batch_size: Integer, of that. Defaults to 1.

    Returns:
        A `Report`. Print it, or take its numbers.

    Raises:
        ValueError: if `model` is no Keras model, or is not built.

    Example:

    ```python
    print(tfprune.report(model))
    tfprune.report(model).to_json("report.json")
    ```
    """
    checks.check(model)
    found = leaves.with_parameters(model)
    graph = model_graph.ModelGraph(model)
    calls = [graph.calls.get(id(leaf.layer)) for leaf in found]
    is_pruned = bool(units.tagged(model.variables))
    rows = [
        rows_lib.row(leaf, own, is_pruned)
        for leaf, own in zip(found, calls, strict=True)
    ]
    arrays = [units.masked(v) for leaf in found for v in leaf.parameters]
    notes = checks.notes(graph, found)
    projected = machine and projection_lib.build(graph, machine, batch_size)
    size = counts.gzipped(arrays)
    return Report(title or model.name, rows, size, notes, projected or None)


@dataclasses.dataclass
class Report:
    """What is left of a model.

    Compression is all parameters by kept ones, biases counted. No single
    number says what pruning brought: the weight sparsity, the reduction of
    MACs and that of bytes stand beside it.

    Args:
        title: String.
        rows: List of `LayerReport`, the layers with weights.
        bytes_gzip: Integer, size of all masked arrays after gzip.
        warnings: List of strings, what is wrong or not known.
        projection: `tfprune.profiling.projection.Projection` or None.
    """

    title: str
    rows: list[rows_lib.LayerReport]
    bytes_gzip: int
    warnings: list[str] = dataclasses.field(default_factory=list)
    projection: projection_lib.Projection | None = None

    @property
    def total(self) -> rows_lib.LayerReport:
        """The sum of all rows."""
        return rows_lib.total(self.rows)

    @property
    def compression(self) -> float:
        """All parameters by kept ones."""
        return _ratio(self.total.parameters, self.total.kept)

    @property
    def mac_reduction(self) -> float:
        """All multiply-accumulates by those with weights that are kept."""
        return _ratio(self.total.macs, self.total.macs_kept)

    @property
    def bytes_raw(self) -> int:
        """The size of all arrays, stored dense."""
        return self.total.bytes

    @property
    def byte_reduction(self) -> float:
        """Bytes of all arrays, stored dense, by those after gzip."""
        return _ratio(self.bytes_raw, self.bytes_gzip)

    @property
    def conv_sparsity(self) -> float | None:
        """The fraction of zeros of all convolutions, None without any."""
        return self._sparsity("conv")

    @property
    def dense_sparsity(self) -> float | None:
        """The fraction of zeros of all dense layers, None without any."""
        return self._sparsity("dense")

    def to_dict(self) -> dict:
        """All numbers, as JSON can have them."""
        return {
            "title": self.title,
            **text.plain(self.total),
            "compression": self.compression,
            "mac_reduction": self.mac_reduction,
            "bytes_gzip": self.bytes_gzip,
            "byte_reduction": self.byte_reduction,
            "conv_sparsity": self.conv_sparsity,
            "dense_sparsity": self.dense_sparsity,
            "warnings": list(self.warnings),
            **(
                {"projection": self.projection.to_dict()}
                if self.projection
                else {}
            ),
            "layers": [
                {
                    "name": row.name,
                    "kind": row.kind,
                    **text.plain(row),
                    "skipped": row.skipped,
                }
                for row in self.rows
            ],
        }

    def to_json(self, path: str | None = None) -> str:
        """`to_dict` as JSON; also writes it to `path` if given."""
        encoded = json.dumps(self.to_dict(), indent=2) + "\n"
        if path is not None:
            pathlib.Path(path).write_text(encoded)
        return encoded

    def to_markdown(self) -> str:
        """A Markdown table and the line of reductions."""
        return text.markdown(self)

    def __str__(self) -> str:
        return text.aligned(self)

    def _sparsity(self, kind):
        mine = [row for row in self.rows if leaves.kind_of(row.kind) == kind]
        return rows_lib.total(mine).weight_sparsity if mine else None


def _ratio(before, after):
    """A model of which nothing is left is counted as one of one."""
    return max(before, 1) / max(after, 1)
