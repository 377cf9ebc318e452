"""Names: which layers a name, a path or a regular expression means."""

from __future__ import annotations

import collections
import itertools
import re

from tfprune.utils import validation


def matching(
    argument: str,
    pattern: str,
    names: list[str],
    paths: list[str] | None = None,
) -> list[str]:
    """The names of the layers that a pattern means.

    The first of these that means any: a name or its path; an end of paths, as
    `h` of both `e1/h` and `e2/h`; another part of them, as `e1`; an expression
    that the last names of paths match wholly, or else any of their ends.

    Args:
        argument: Name of the argument, for errors.
        pattern: Name, path or regular expression.
        names: List of strings, unique.
        paths: List of strings, the path of each. Defaults to the names.

    Raises:
        ValueError: for no match, with the nearest name, or no expression.
    """
    return _matching(argument, pattern, _pairs(names, paths))[1]


def resolve(
    argument: str,
    by_pattern: dict,
    names: list[str],
    paths: list[str] | None = None,
) -> dict:
    """Values by name; what is more exact goes before any other.

    That is a path before a name, and a name before an expression.

    Raises:
        ValueError: as `matching`.
    """
    pairs, resolved = _pairs(names, paths), {}
    found = [
        (*_matching(argument, pattern, pairs), value)
        for pattern, value in by_pattern.items()
    ]
    for _, matches, value in sorted(found, key=lambda x: x[0], reverse=True):
        resolved.update(dict.fromkeys(matches, value))
    return resolved


def shortest(paths: list[str]) -> list[str]:
    """The shortest end of each path that is an end of no other.

    A path that is an end of another one stays whole; of equal ones all but the
    first get a number.
    """
    counts = collections.Counter(x for path in set(paths) for x in ends(path))
    return _numbered(
        [
            next((end for end in ends(path) if counts[end] == 1), path)
            for path in paths
        ]
    )


def ends(path: str) -> list[str]:
    """All ends of a path, from the name to the whole."""
    names = path.split("/")
    return ["/".join(names[-n:]) for n in range(1, len(names) + 1)]


def _numbered(names):
    used, found = set(names), []
    for place, name in enumerate(names):
        if name in names[:place]:
            numbered = (f"{name}_{n}" for n in itertools.count(1))
            name = next(x for x in numbered if x not in used)
            used.add(name)
        found.append(name)
    return found


def _pairs(names, paths):
    return list(zip(names, names if paths is None else paths, strict=True))


def _matching(argument, pattern, pairs):
    """How loosely a pattern means layers, and their names."""
    for looseness, rule in enumerate(_rules(argument, pattern)):
        matches = [name for name, path in pairs if rule(name, path)]
        if matches:
            return (looseness, -pattern.count("/")), matches
    names = [name for name, _ in pairs]
    raise ValueError(validation.unknown(argument, pattern, names))


def _rules(argument, pattern):
    """Yields ways of matching a name or its path, the strictest first."""
    yield lambda name, path: pattern in (name, path)
    yield lambda name, path: pattern in ends(path)
    yield lambda name, path: f"/{pattern}/" in f"/{path}/"
    wholly = _expression(argument, pattern).fullmatch
    yield lambda name, path: wholly(ends(path)[0])
    yield lambda name, path: any(map(wholly, ends(path)))


def _expression(argument, pattern):
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(
            f"`{argument}` must be layer names or regular expressions. "
            f"Received: {pattern!r}, where {error}"
        ) from error
