"""Files that are whole or not there."""

from __future__ import annotations

import os
import pathlib
import typing


def write_atomically(path, write: typing.Callable) -> None:
    """Calls `write(file)` on a neighbour of `path`, then moves it there."""
    path = pathlib.Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(beside, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
