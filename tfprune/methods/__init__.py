"""One small file for each published method; each gives a `Method`."""

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

REGISTRY = {
    "filter_ranking": FilterRanking,
    "force": Force,
    "guided": Guided,
    "l1_winograd": L1Winograd,
    "magnitude": Magnitude,
    "nm": NM,
    "olmp": OLMP,
    "ssl": SSL,
    "surgery": Surgery,
    "threshold_surgery": ThresholdSurgery,
    "winograd": Winograd,
}


def build(name: str, **arguments) -> Method:
    """Returns the method of that name.

    Raises:
        ValueError: for an unknown name or argument, with the nearest one.
    """
    if name not in REGISTRY:
        raise ValueError(_validation.unknown("method", name, REGISTRY))
    try:
        return REGISTRY[name](**arguments)
    except TypeError as error:
        raise ValueError(f"`method={name}`: {error}") from error
