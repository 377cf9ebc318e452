"""Published pruning methods: one class, a `Method`, in one file for each."""

import re as _re

from tfprune.core.method import Method as Method
from tfprune.methods.filter_ranking import FilterRanking as FilterRanking
from tfprune.methods.force import Force as Force
from tfprune.methods.guided import Guided as Guided
from tfprune.methods.l1_winograd import L1Winograd as L1Winograd
from tfprune.methods.magnitude import Magnitude as Magnitude
from tfprune.methods.nm import NM as NM
from tfprune.methods.olmp import OLMP as OLMP
from tfprune.methods.ssl import SSL as SSL
from tfprune.methods.surgery import Surgery as Surgery
from tfprune.methods.threshold_surgery import (
    ThresholdSurgery as ThresholdSurgery,
)
from tfprune.methods.winograd import Winograd as Winograd
from tfprune.utils import validation as _validation


def _snake_case(name: str) -> str:
    return _re.sub("(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


REGISTRY: dict[str, type[Method]] = {
    _snake_case(name): kind
    for name, kind in sorted(vars().items())
    if isinstance(kind, type) and kind is not Method
}

_NAMES = [kind.__name__ for kind in REGISTRY.values()]

__all__ = ["Method", "REGISTRY", "build", *_NAMES]


def build(name: str, **arguments) -> Method:
    """An instance of the method of that name, such as `"filter_ranking"`.

    Raises:
        ValueError: for an unknown name or argument, with the nearest one.
    """
    if name not in REGISTRY:
        raise ValueError(_validation.unknown("method", name, REGISTRY))
    try:
        return REGISTRY[name](**arguments)
    except TypeError as error:
        raise ValueError(f"`method={name}`: {error}") from error
