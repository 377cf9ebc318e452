"""Limits: what a net may cost, as a user writes it."""

from __future__ import annotations

import collections.abc
import dataclasses
import re

from tfprune.utils import validation

_COUNTS = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}
_UNITS = {
    "parameters": _COUNTS,
    "macs": _COUNTS,
    "bytes": {**_COUNTS, "kb": 1e3, "mb": 1e6, "gb": 1e9},
    "latency": {"us": 1e-3, "ms": 1.0, "s": 1e3},
}
_NUMBER = r"[0-9]+\.?[0-9]*|\.[0-9]+"
_FORM = re.compile(rf"\s*(\w+)\s*<=\s*({_NUMBER})\s*(\w*|%)\s*")


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


def text(amount: float) -> str:
    """Returns whole numbers of what is counted, three digits of little time."""
    return f"{amount:,.0f}" if amount >= 10 else f"{amount:.3g}"


def parse(text: str, known: collections.abc.Iterable[str]) -> Budget:
    """Reads `"parameters<=2%"`, `"bytes<=100KB"`, `"latency<=2ms"`.

    Args:
        text: String.
        known: What may be counted, of `parameters`, `macs`, `bytes` and
            `latency`, whose limit is in milliseconds.

    Raises:
        ValueError: for anything else.
    """
    found = _FORM.fullmatch(text) if isinstance(text, str) else None
    name, number, unit = found.groups() if found else ("", "", "")
    name, unit = name.lower(), unit.lower()
    if found and name not in known:
        raise ValueError(validation.unknown("budget", name, known))
    if not found or unit not in {"%", *_UNITS[name]}:
        raise ValueError(
            "`budget` must be like 'parameters<=2%', 'macs<=1M', "
            f"'bytes<=100KB' or 'latency<=2ms'. Received: budget={text!r}"
        )
    scale = 0.01 if unit == "%" else _UNITS[name][unit]
    return Budget(name, float(number) * scale, unit == "%")
