"""Results in Markdown, and the processor that they come from."""

from __future__ import annotations

import pathlib
import platform

_FIELDS = ("model name", "cpu family", "model")


def table(rows) -> str:
    """Returns rows of strings as a table in Markdown.

    Args:
        rows: Iterable of sequences of strings, the header first.
    """
    header, *others = rows
    lines = [header, ["---"] * len(header), *others]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def processor(path: str = "/proc/cpuinfo") -> str:
    """Returns the name of the first processor, with family and model.

    Machines for rent often give theirs the same name, whatever its generation.

    Args:
        path: String, of Linux's table; elsewhere what Python's `platform`
            knows is returned.
    """
    fields = _fields(pathlib.Path(path))
    if not all(name in fields for name in _FIELDS):
        return platform.processor() or platform.machine()
    name, family, model = (fields[field] for field in _FIELDS)
    return f"{name}, family {family}, model {model}"


def _fields(file):
    """Returns name to value of the first processor of a table."""
    if not file.exists():
        return {}
    first, _, _ = file.read_text().partition("\n\n")
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}
