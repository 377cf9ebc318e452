"""Limits: what a net may cost, as a user writes it."""

from __future__ import annotations

import collections.abc
import dataclasses
import re

from tfprune.core import errors

_UNITS = {"%": 0.01, "": 1.0, "k": 1e3, "kb": 1e3, "m": 1e6, "mb": 1e6}
_FORM = re.compile(r"\s*(\w+)\s*<=\s*([0-9.]+)\s*(\w*|%)\s*", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Budget:
    """What a net may cost at most.

    Args:
        objective: String, what is counted.
        limit: Float: a cost, or a fraction of the dense net's.
        is_fraction: Bool.
    """

    objective: str
    limit: float
    is_fraction: bool

    def cost(self, dense: float) -> float:
        """Returns the greatest cost allowed for a net of this dense cost."""
        return self.limit * dense if self.is_fraction else self.limit


def parse(text: str, known: collections.abc.Iterable[str]) -> Budget:
    """Reads `"parameters<=2%"`, `"macs<=1M"`, `"bytes<=100KB"`.

    Args:
        text: String.
        known: What may be counted.

    Raises:
        ValueError: for anything else.
    """
    found = _FORM.fullmatch(text) if isinstance(text, str) else None
    unit = found[3].lower() if found else None
    if not found or unit not in _UNITS:
        raise ValueError(
            "`budget` must be like 'parameters<=2%', 'macs<=1M' or "
            f"'bytes<=100KB'. Received: budget={text!r}"
        )
    name, limit = found[1].lower(), float(found[2]) * _UNITS[unit]
    if name not in known:
        raise ValueError(errors.unknown("budget", name, known))
    return Budget(name, limit, unit == "%")
