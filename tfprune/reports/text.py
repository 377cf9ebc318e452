"""Text: a report as rows of numbers, an aligned table, or Markdown."""

from __future__ import annotations

from tfprune.utils import tables

_HEADS = (
    "layer",
    "kind",
    "parameters",
    "kept",
    "sparsity",
    "MACs",
    "MACs kept",
    "bytes",
    "",
)
_NUMBERS = range(2, 8)


def plain(row) -> dict:
    """The numbers of a `LayerReport` by their names in JSON."""
    return {
        "parameters": row.parameters,
        "parameters_kept": row.kept,
        "weights": row.weights,
        "weights_kept": row.weights_kept,
        "weight_sparsity": row.weight_sparsity,
        "macs": row.macs,
        "macs_kept": row.macs_kept,
        "bytes": row.bytes,
    }


def aligned(report) -> str:
    """A table for a terminal."""
    lines = tables.aligned(_table(report), _NUMBERS)
    rule = "-" * max(map(len, lines))
    lines = [report.title, lines[0], rule, *lines[1:-1], rule, lines[-1]]
    projected = ["", str(report.projection)] if report.projection else []
    return "\n".join(
        [*lines, reductions(report), *_warnings(report), *projected]
    )


def markdown(report) -> str:
    """A Markdown table."""
    table = tables.markdown(_table(report), _NUMBERS)
    lines = [f"### {report.title}", "", *table, ""]
    notes = [f"\n{note}" for note in _warnings(report)]
    return (
        "\n".join([*lines, reductions(report), *notes, *_projection(report)])
        + "\n"
    )


def _projection(report):
    if not report.projection:
        return []
    cells = report.projection.cells()
    table = tables.markdown(cells, range(1, len(cells[0]) - 1))
    return [f"\n{report.projection.title}\n", *table]


def reductions(report) -> str:
    """The line that says what pruning brought."""
    return (
        f"compression {report.compression:.1f}x  "
        f"MACs {report.mac_reduction:.1f}x  "
        f"bytes {report.bytes_raw} -> {report.bytes_gzip} gzipped "
        f"({report.byte_reduction:.1f}x)"
    )


def _table(report):
    rows = [_cells(row) for row in [*report.rows, report.total]]
    columns = 9 if any(row.skipped for row in report.rows) else 8
    return [cells[:columns] for cells in [list(_HEADS), *rows]]


def _cells(row):
    sparsity = f"{row.weight_sparsity:.2%}" if row.weights else "-"
    counts = [row.macs, row.macs_kept, row.bytes]
    sizes = [str(row.parameters), str(row.kept), sparsity, *map(str, counts)]
    return [row.name, row.kind, *sizes, row.skipped or ""]


def _warnings(report):
    return [f"warning: {note}" for note in report.warnings]
