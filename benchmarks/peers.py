"""Runs the benchmark of a peer in an environment of its own."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import subprocess

FOLDER = pathlib.Path(__file__).parent


def measure(python: str, peer: str, setup, rounds: int) -> dict:
    """Runs `<peer>_training.py` of this folder with another Python.

    It reads a JSON object, the fields of the setup and the rounds, and prints
    one, as `interleaving.measure` returns it, as its last line.

    Args:
        python: Path of an interpreter.
        peer: String.
        setup: `training.Setup`.
        rounds: Integer.

    Returns:
        Dict, variant to one time for each round.

    Raises:
        ValueError: if that fails.
    """
    job = json.dumps({**dataclasses.asdict(setup), "rounds": rounds})
    try:
        done = subprocess.run(
            [python, FOLDER / f"{peer}_training.py"],
            input=job,
            capture_output=True,
            text=True,
            check=True,
            # tfmot refuses the Keras that TensorFlow comes with.
            env={**os.environ, "TF_USE_LEGACY_KERAS": "1"},
        )
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", "")[-2000:]
        raise ValueError(
            f"`{peer}` must be a Python that can import {peer}. Received: "
            f"{peer}={python!r}, which failed: {error}\n{said}"
        ) from error
    return json.loads(done.stdout.splitlines()[-1])
