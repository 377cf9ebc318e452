"""The library of ops: loaded when it is first needed, or not at all."""

from __future__ import annotations

import functools
import os
import pathlib
import typing

import tensorflow as tf

PATH = pathlib.Path(__file__).parent / "libtfprune.so"
SWITCH = "TFPRUNE_PY_OPS"


class Library(typing.NamedTuple):
    """The ops and where they come from.

    Args:
        ops: Module of compiled ops, or None: TensorFlow's are used.
        why: String, which is in use and why.
    """

    ops: typing.Any
    why: str


@functools.cache
def load() -> Library:
    """Loads the compiled ops, once in a process."""
    if os.environ.get(SWITCH, "0") not in ("", "0"):
        return Library(None, f"TensorFlow's own ops, since {SWITCH} is set")
    if not PATH.exists():
        return Library(
            None,
            "TensorFlow's own ops, since tfprune was installed without a C++ "
            "compiler; install one (Debian: g++) and install tfprune again",
        )
    try:
        return Library(tf.load_op_library(str(PATH)), f"compiled ops: {PATH}")
    except (tf.errors.OpError, RuntimeError, OSError) as error:
        return Library(None, f"TensorFlow's own ops, since {PATH}: {error}")


def describe() -> str:
    """Which implementation of the sparse ops is in use, and why."""
    return load().why


def num_threads() -> int:
    """TensorFlow's number of threads in an op, 0 for all cores.

    The environment variable `TFPRUNE_NUM_THREADS` overrides it when the op
    runs.
    """
    return tf.config.threading.get_intra_op_parallelism_threads()
