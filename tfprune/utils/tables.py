"""Tables: rows of strings as aligned text, or as Markdown."""

from __future__ import annotations

import collections.abc


def aligned(
    rows: collections.abc.Iterable[collections.abc.Sequence[str]],
    numbers: collections.abc.Container[int] = (),
) -> list[str]:
    """The lines of a table whose columns are as wide as their widest cell.

    Args:
        rows: Rows of cells, of equal length; usually the header first.
        numbers: Indices of the columns that are aligned to the right.
            Defaults to none.

    Returns:
        List of strings, one for each row, without trailing spaces.

    Example:

    >>> aligned([("layer", "MACs"), ("conv", "90")], numbers=[1])
    ['layer  MACs', 'conv     90']
    """
    rows = [list(map(str, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    pads = [
        str.rjust if column in numbers else str.ljust
        for column in range(len(widths))
    ]
    return [
        "  ".join(
            pad(cell, width)
            for pad, cell, width in zip(pads, row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def markdown(
    rows: collections.abc.Iterable[collections.abc.Sequence[str]],
    numbers: collections.abc.Container[int] = (),
) -> list[str]:
    """The lines of a Markdown table.

    Args:
        rows: Rows of cells, of equal length, the header first.
        numbers: Indices of the columns that are aligned to the right.
            Defaults to none.
    """
    head, *body = rows
    rule = ["---:" if i in numbers else "---" for i in range(len(head))]
    return [f"| {' | '.join(cells)} |" for cells in [head, rule, *body]]
