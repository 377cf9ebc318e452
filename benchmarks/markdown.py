"""Tables in Markdown."""


def table(rows) -> str:
    """Returns rows of strings as a table.

    Args:
        rows: Iterable of sequences of strings, the header first.
    """
    header, *others = rows
    lines = [header, ["---"] * len(header), *others]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
