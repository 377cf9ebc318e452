"""Prints the public API of tfprune, a line for each name with its arguments.

    python scripts/public_api.py > tests/public_api.txt

Public are the names in the `__all__` of tfprune and of those of its modules
that have one; of a class its own methods and properties, too, but for those
that its bases have as well.
"""

from __future__ import annotations

import functools
import inspect
import pathlib
import re
import sys
from collections.abc import Iterator

_PACKAGE = "tfprune"


def names(module, path: str = _PACKAGE) -> Iterator[tuple[str, object]]:
    """Yields the dotted name of all that is public, and what it is.

    Args:
        module: The module tfprune, or one of its public modules.
        path: String, how the module is reached. Defaults to `"tfprune"`.

    Yields:
        `(name, value)`: those of the module, of its classes and of its public
        modules.
    """
    for name in sorted(module.__all__):
        value = getattr(module, name)
        if not inspect.ismodule(value):
            yield f"{path}.{name}", value
            yield from _members(f"{path}.{name}", value)
    for name, below in sorted(vars(module).items()):
        if inspect.ismodule(below) and _is_public(name, below):
            yield from names(below, f"{path}.{name}")


def line(name: str, value) -> str:
    """A name with its arguments, without types, where it has some."""
    if not callable(value):
        return name
    arguments = [
        x.replace(annotation=x.empty)
        for x in inspect.signature(value).parameters.values()
    ]
    text = str(inspect.Signature(arguments))
    return name + re.sub(r" at 0x[0-9a-f]+", "", text)


def _is_public(name, module):
    own = module.__name__.startswith(f"{_PACKAGE}.")
    return own and not name.startswith("_") and hasattr(module, "__all__")


def _members(path, value):
    """Yields the methods and properties that a class of its own adds."""
    if not inspect.isclass(value):
        return
    inherited = {name for x in value.__mro__[1:] for name in dir(x)}
    for name in sorted(set(vars(value)) - inherited):
        member = getattr(value, name)
        kinds = (property, functools.cached_property)
        if not name.startswith("_") and (
            callable(member) or isinstance(member, kinds)
        ):
            yield f"{path}.{name}", member


def main():
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
    import tfprune

    sys.stdout.writelines(f"{line(*found)}\n" for found in names(tfprune))


if __name__ == "__main__":
    main()
