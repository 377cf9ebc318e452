"""One small file for each published method; each gives a `Method`."""

import difflib as _difflib

from tfprune.methods.magnitude import Magnitude as Magnitude
from tfprune.methods.method import Method as Method
from tfprune.methods.nm import NM as NM
from tfprune.methods.surgery import Surgery as Surgery
from tfprune.methods.threshold_surgery import (
    ThresholdSurgery as ThresholdSurgery,
)

REGISTRY = {
    "magnitude": Magnitude,
    "nm": NM,
    "surgery": Surgery,
    "threshold_surgery": ThresholdSurgery,
}


def build(name: str, **arguments) -> Method:
    """Returns the method of that name.

    Raises:
        ValueError: for an unknown name or argument, with the nearest one.
    """
    if name not in REGISTRY:
        close = _difflib.get_close_matches(name, REGISTRY, 1, 0.3)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(
            f"`method` must be a Method or one of {', '.join(REGISTRY)}. "
            f"Received: method={name!r}.{hint}"
        )
    try:
        return REGISTRY[name](**arguments)
    except TypeError as error:
        raise ValueError(f"`method={name}`: {error}") from error
