"""Which engines are compared with which, and by how much."""

from __future__ import annotations

import statistics

from benchmarks import engines

DENSE = [e.name for e in engines.ENGINES if not e.takes_sparse]
# DeepSparse transforms some convolutions instead of computing them directly.
DIRECT = [name for name in DENSE if name != engines.DEEPSPARSE_DENSE]
TENSORFLOW = [name for name in DENSE if name.startswith(engines.TENSORFLOW)]
OTHER_SPARSE = [
    engine.name
    for engine in engines.ENGINES
    if engine.takes_sparse and engine.name != engines.OURS
]


class Timed:
    """What several engines ran.

    Attributes:
        times: Dict, name of an engine to the seconds of its runs.
    """

    times: dict[str, list[float]]

    @property
    def seconds(self) -> float:
        return min(self.times[engines.OURS])

    def best(self, names) -> str | None:
        """Returns the engine with the least time."""
        known = [name for name in names if name in self.times]
        return min(known, key=lambda name: min(self.times[name]), default=None)

    def ratio(self, names, statistic=min) -> float:
        """Returns how many times faster than the best of some engines."""
        own = statistic(self.times[engines.OURS])
        return statistic(self.times[self.best(names)]) / own

    def ratios(self, names) -> str:
        """Returns the ratio, and that of the medians in parentheses."""
        if not self.best(names):
            return ""
        median = self.ratio(names, statistics.median)
        return f"{self.ratio(names):.2f} ({median:.2f})"
