"""Names: which layers a name or a regular expression means."""

from __future__ import annotations

import re

from tfprune.utils import validation


def matching(argument: str, pattern: str, names: list[str]) -> list[str]:
    """The names that equal a pattern, or else match it wholly.

    Raises:
        ValueError: for no match, with the nearest name, or no expression.
    """
    if pattern in names:
        return [pattern]
    try:
        matches = [name for name in names if re.fullmatch(pattern, name)]
    except re.error as error:
        raise ValueError(
            f"`{argument}` must be layer names or regular expressions. "
            f"Received: {pattern!r}, where {error}"
        ) from error
    if not matches:
        raise ValueError(validation.unknown(argument, pattern, names))
    return matches


def resolve(argument: str, by_pattern: dict, names: list[str]) -> dict:
    """Values by name; an exact name goes before any expression.

    Raises:
        ValueError: as `matching`.
    """
    resolved = {}
    exact_last = sorted(by_pattern.items(), key=lambda item: item[0] in names)
    for pattern, value in exact_last:
        matches = matching(argument, pattern, names)
        resolved.update(dict.fromkeys(matches, value))
    return resolved
