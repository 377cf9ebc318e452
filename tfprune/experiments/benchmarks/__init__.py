"""What pruning costs, measured beside what else there is, by name."""

from tfprune.experiments.benchmarks import training as _training

ALL = {"training": _training.run}
