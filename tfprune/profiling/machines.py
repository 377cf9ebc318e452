"""Machines with a published profile, by name."""

from __future__ import annotations

from tfprune.profiling import roofline
from tfprune.utils import validation

# Park et al., Faster CNNs with Direct Sparse Convolutions and Guided Pruning,
# ICLR 2017, table 1 and section 3.2. The Xeon's numbers look like those of two
# sockets.
PROFILES = {
    "atom_c2750": roofline.MachineProfile(62e9, 15e9, slowdown=1.2),
    "xeon_e5_2697v4": roofline.MachineProfile(2150e9, 122e9, slowdown=3.0),
}


def get(machine: str | roofline.MachineProfile) -> roofline.MachineProfile:
    """The profile of a machine.

    Args:
        machine: Name of a row of `PROFILES`, or a profile, which is returned.

    Raises:
        ValueError: for a name that is not known.
    """
    if isinstance(machine, roofline.MachineProfile):
        return machine
    if machine not in PROFILES:
        raise ValueError(
            validation.unknown("machine", machine, PROFILES)
            + " Or give what tfprune.profiling.calibrate() returns for yours."
        )
    return PROFILES[machine]
