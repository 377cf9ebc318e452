"""The one form of an error about a name that is not known."""

from __future__ import annotations

import collections.abc
import difflib


def unknown(argument: str, value, known: collections.abc.Iterable) -> str:
    """Returns what was expected, what was received, and the nearest name.

    Args:
        argument: Name of the argument.
        value: What was received.
        known: The names that would have been right.
    """
    known = [str(name) for name in known]
    close = difflib.get_close_matches(str(value), known, 1, 0.4)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return (
        f"`{argument}` must be one of: {', '.join(known) or 'nothing'}. "
        f"Received: {argument}={value!r}.{hint}"
    )
