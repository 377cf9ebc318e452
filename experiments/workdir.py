"""Workdir: the folder of one experiment.

config.json  command.txt        as run
seeds/<seed>/metrics.jsonl      one line for each interval
seeds/<seed>/checkpoint.npz     all that is needed to resume
seeds/<seed>/model.npz          the compressed model
summary.json                    every seed, and which one is the median
report.json  model.npz          of the median seed
plots/
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pathlib
import typing

import ml_collections

from tfprune.exporters import files


def create(path, config: ml_collections.ConfigDict, command: str) -> None:
    """Makes the folder, or checks that it was made for the same config.

    Raises:
        ValueError: if it cannot be written, or has another config.
    """
    root, values = pathlib.Path(path), config.to_dict()
    try:
        root.mkdir(parents=True, exist_ok=True)
        _check_config(root, values)
        write_json(root / "config.json", values)
        (root / "command.txt").write_text(command + "\n")
    except OSError as error:
        raise ValueError(
            "`workdir` must be a folder that can be written. Received: "
            f"workdir={str(root)!r} ({error.strerror})."
        ) from error


def config(path) -> ml_collections.ConfigDict:
    """Returns the config that a workdir was run with.

    Raises:
        ValueError: if the folder has none.
    """
    file = pathlib.Path(path) / "config.json"
    if not file.exists():
        raise ValueError(
            "`workdir` must be a folder that scripts/train.py wrote. "
            f"Received: workdir={str(path)!r}, which has no config.json."
        )
    return ml_collections.ConfigDict(json.loads(file.read_text()))


def seed_dir(path, seed: int) -> pathlib.Path:
    """Returns, and makes, the folder of one seed."""
    folder = pathlib.Path(path) / "seeds" / str(seed)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def locked(path):
    """Holds a folder for this process alone.

    Raises:
        ValueError: if another process holds it.
    """
    with open(pathlib.Path(path) / "lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ValueError(
                "`workdir` must not be in use. Received: "
                f"workdir={str(path)!r}, which another process trains in. "
                "Wait for it, or give another folder."
            ) from error
        yield


def read_metrics(path) -> list[dict]:
    """Returns the lines of a metrics.jsonl."""
    file = pathlib.Path(path)
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text().splitlines()]


def truncate_metrics(path, size: int) -> None:
    """Forgets what was logged after a checkpoint."""
    if os.path.exists(path):
        os.truncate(path, min(size, os.path.getsize(path)))


def write_json(path, value: typing.Any) -> None:
    """Writes readable JSON, all or nothing."""
    text = json.dumps(value, indent=2) + "\n"
    files.write_atomically(path, lambda file: file.write(text.encode()))


def _check_config(root, values):
    """Raises if the folder has results of another config.

    Seeds may be added, and run side by side.
    """
    file = root / "config.json"
    if not file.exists():
        return
    old = dict(_flat(json.loads(file.read_text())))
    new = dict(_flat(json.loads(json.dumps(values))))
    changed = {key for key in {*old, *new} if old.get(key) != new.get(key)}
    changed -= {"seeds", "processes"}
    if changed:
        raise ValueError(
            "`workdir` must be new or of the same config. Received: "
            f"workdir={str(root)!r}, whose config differs in "
            f"{', '.join(sorted(changed))}. Give another folder, or the old "
            "config."
        )


def _flat(value, path=()):
    """Yields (dotted name, value) of nested dicts."""
    if not isinstance(value, dict):
        yield ".".join(path), value
        return
    for key, inner in value.items():
        yield from _flat(inner, (*path, key))
