"""Quantities: costs and limits of them, as a user writes and reads them."""

from __future__ import annotations

import collections.abc
import dataclasses
import re

from tfprune.utils import validation

COUNTS = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}
BYTES = {**COUNTS, "kb": 1e3, "mb": 1e6, "gb": 1e9}
MILLISECONDS = {"us": 1e-3, "ms": 1.0, "s": 1e3}
_NUMBER = r"[0-9]+\.?[0-9]*|\.[0-9]+"
_FORM = re.compile(rf"\s*(\w+)\s*<=\s*({_NUMBER})\s*(\w*|%)\s*")


@dataclasses.dataclass(frozen=True)
class Budget:
    """What a model may cost at most.

    Args:
        objective: String, what is counted.
        limit: Float: a cost, or a fraction of the dense model's.
        is_fraction: Bool.
        text: String, as the user wrote it. Defaults to "".
    """

    objective: str
    limit: float
    is_fraction: bool
    text: str = dataclasses.field(default="", compare=False)

    def cost(self, dense: float) -> float:
        """The greatest cost allowed for a model of this dense cost."""
        return self.limit * dense if self.is_fraction else self.limit


def text(amount: float) -> str:
    """An amount as text: whole from 10 on, else three significant digits."""
    return f"{amount:,.0f}" if amount >= 10 else f"{amount:.3g}"


def parse(
    text: str,
    known: collections.abc.Mapping[str, collections.abc.Mapping[str, float]],
) -> Budget:
    """Reads `"parameters<=2%"`, `"bytes<=100KB"`, `"latency<=2ms"`.

    Args:
        text: String.
        known: Dict, what may be counted to the units of its limits, in lower
            case: `COUNTS`, `BYTES` or `MILLISECONDS`.

    Raises:
        ValueError: for anything else.
    """
    found = _FORM.fullmatch(text) if isinstance(text, str) else None
    name, number, unit = found.groups() if found else ("", "", "")
    name, unit = name.lower(), unit.lower()
    if found and name not in known:
        raise ValueError(validation.unknown("budget", name, known))
    if not found or unit not in {"%", *known[name]}:
        raise ValueError(
            f"`budget` must be like {', '.join(_examples(known))}. Received: "
            f"budget={text!r}"
        )
    scale = 0.01 if unit == "%" else known[name][unit]
    return Budget(name, float(number) * scale, unit == "%", text)


def _examples(known):
    """A budget of each cost, in percent and in one of its units."""
    for name, units in known.items():
        yield f"'{name}<=50%'"
        yield f"'{name}<=2{[*units][-2:][0]}'"
