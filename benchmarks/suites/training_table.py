"""The table of the training overhead, and its goals."""

from __future__ import annotations

import dataclasses

from benchmarks.harness import interleave
from benchmarks.harness import report

PLAIN = interleave.BASELINE
NOISE = "plain again"
BETWEEN = "between updates"
AVERAGED = "frequency=100"
SURGERY = "surgery"
BETWEEN_WRAPPED = "between updates, wrapped"
SURGERY_WRAPPED = "surgery, wrapped"

GOALS = {
    ("lenet_5", BETWEEN): 1.05,
    ("lenet_300_100", BETWEEN): 1.15,
    ("lenet_5", AVERAGED): 1.10,
    ("lenet_300_100", AVERAGED): 1.25,
    ("resnet_50", BETWEEN): 1.04,
    ("resnet_50", SURGERY): 1.08,
    ("transformer", BETWEEN): 1.04,
    ("transformer", SURGERY): 1.08,
}
NAMES = {
    NOISE: "{who} again: the noise",
    BETWEEN: "{library} magnitude, between updates",
    BETWEEN_WRAPPED: "{library} magnitude, between updates, wrapped",
    AVERAGED: "{library} magnitude, frequency=100",
    SURGERY: "{library} surgery, random updates",
    SURGERY_WRAPPED: "{library} surgery, random updates, wrapped",
}
_PLAIN_OF = {"tfprune": "plain Keras 3", "tfmot": "plain tf_keras"}
HEADER = (
    "net",
    "jit_compile",
    "steps_per_execution",
    "variant",
    "time / plain: median [quartiles]",
    "rounds",
    "goal",
)


@dataclasses.dataclass(frozen=True)
class Row:
    """One variant of one net.

    Args:
        setup: `training.Setup`.
        library: `"tfprune"` or `"tfmot"`.
        variant: String.
        quartiles: Lower quartile, median and upper quartile of the ratios.
        rounds: Integer, that were measured.
    """

    setup: object
    library: str
    variant: str
    quartiles: list[float]
    rounds: int

    @property
    def median(self) -> float:
        return self.quartiles[1]


def rows(setup, times: dict[str, list[float]], library: str) -> list[Row]:
    """Returns a row for each variant but the baseline."""
    found = []
    for variant in times.keys() - {PLAIN}:
        # The update is in one round of a cycle: sums over whole cycles.
        cycle = setup.cycle if variant == AVERAGED else 1
        ratios = interleave.ratios(times, variant, cycle)
        quartiles = interleave.quartiles(ratios)
        rounds = len(times[variant])
        found.append(Row(setup, library, variant, quartiles, rounds))
    return sorted(found, key=lambda row: list(NAMES).index(row.variant))


def markdown(rows: list[Row]) -> str:
    """Returns the rows as a Markdown table."""
    return report.table([HEADER, *(_cells(row, rows) for row in rows)])


def _cells(row, rows):
    low, median, high = (f"{value:.3f}" for value in row.quartiles)
    who = _PLAIN_OF[row.library]
    return [
        row.setup.net,
        str(row.setup.jit_compile),
        str(row.setup.steps_per_execution),
        NAMES[row.variant].format(library=row.library, who=who),
        f"{median} [{low}, {high}]",
        str(row.rounds),
        _goal(row, rows),
    ]


def _goal(row, rows):
    if row.variant == NOISE:
        return ""
    if row.library == "tfprune":
        goal = GOALS.get((row.setup.net, row.variant))
        return f"<= {goal:.2f}: {_met(row.median <= goal)}" if goal else ""
    (ours,) = [
        other.median
        for other in rows
        if (other.library, other.setup, other.variant)
        == ("tfprune", row.setup, row.variant)
    ]
    return f"above tfprune's: {_met(row.median > ours)}"


def _met(goal):
    return "met" if goal else "missed"
