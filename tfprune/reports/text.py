"""Text: a report as rows of numbers, an aligned table, or Markdown."""

from __future__ import annotations

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


def plain(row) -> dict:
    """Returns the numbers of a `Row` by their names in JSON."""
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
    """Returns a table for a terminal."""
    table = _table(report)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [_align(cells, widths) for cells in table]
    rule = "-" * max(map(len, lines))
    lines = [report.title, lines[0], rule, *lines[1:-1], rule, lines[-1]]
    gate = ["", str(report.gate)] if report.gate else []
    return "\n".join([*lines, reductions(report), *_warnings(report), *gate])


def markdown(report) -> str:
    """Returns a Markdown table."""
    head, *body = _table(report)
    rule = (["---"] * 2 + ["---:"] * 6 + ["---"])[: len(head)]
    table = [_bar(cells) for cells in [head, rule, *body]]
    lines = [f"### {report.title}", "", *table, ""]
    notes = [f"\n{note}" for note in _warnings(report)]
    return (
        "\n".join([*lines, reductions(report), *notes, *_gate(report)]) + "\n"
    )


def _gate(report):
    if not report.gate:
        return []
    head, *body = report.gate.cells()
    rule = ["---"] + ["---:"] * (len(head) - 2) + ["---"]
    table = [_bar(cells) for cells in [head, rule, *body]]
    return [f"\n{report.gate.title}\n", *table]


def reductions(report) -> str:
    """Returns the line that says what pruning brought."""
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


def _align(cells, widths):
    """Words to the left, numbers to the right."""
    padded = [
        cell.rjust(width) if 2 <= column < 8 else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(padded).rstrip()


def _bar(cells):
    return f"| {' | '.join(cells)} |"


def _warnings(report):
    return [f"warning: {note}" for note in report.warnings]
