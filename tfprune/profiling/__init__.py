"""How long layers take on this machine, measured and projected."""

from tfprune.profiling.calibration import calibrate as calibrate
from tfprune.profiling.projection import project as project
from tfprune.profiling.roofline import MachineProfile as MachineProfile

__all__ = ["MachineProfile", "calibrate", "project"]
