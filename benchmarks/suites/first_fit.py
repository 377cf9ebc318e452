"""What the first `fit` of a pruned net takes: tracing, optimizing, memory.

Every run is a process of its own, since TensorFlow keeps what it has traced.
"""

from __future__ import annotations

import functools
import json
import statistics
import subprocess
import sys

from benchmarks.engines import client
from benchmarks.harness import interleave
from benchmarks.harness import report

ENGINE = "benchmarks.engines.first_fit"
VARIANTS = (
    interleave.BASELINE,
    "plain again",
    "in place",
    "wrapped",
    "surgery in place",
    "surgery wrapped",
)
GOALS = {"in place": 1.3, "surgery in place": 1.3}
HEADER = (
    "variant",
    "CPU seconds",
    "CPU / plain",
    "wall / plain",
    "variables, MB",
    "peak memory / plain",
    "runs",
    "goal",
)
_SHARE = 60


def main(flags) -> str:
    """Returns the results of a command line."""
    return run(max(flags.rounds // _SHARE, 2))


def run(rounds: int) -> str:
    """Measures every variant.

    Args:
        rounds: Integer, runs of each.

    Returns:
        The results as Markdown.
    """
    calls = {name: functools.partial(_measured, name) for name in VARIANTS}
    runs = interleave.bursts(calls, rounds, 1)
    return f"{_HEADING}\n\n{markdown(runs)}"


def markdown(runs: dict[str, list[dict]]) -> str:
    """Returns the runs as a Markdown table: medians of the ratios.

    Args:
        runs: Dict, variant to what `engines.first_fit` answered, in turn; the
            baseline `"plain"` among them.
    """
    cells = [_cells(name, runs) for name in runs]
    return report.table([HEADER, *cells])


def _measured(name, repeats):
    return [_run(name) for _ in range(repeats)]


def _run(name):
    done = subprocess.run(
        [sys.executable, "-m", ENGINE, name],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=client.variables(),
    )
    return json.loads(done.stdout.splitlines()[-1])


def _cells(name, runs):
    ratio = functools.partial(_ratio, runs, name)
    cpu = ratio("cpu")
    goal = GOALS.get(name)
    met = goal and ("met" if cpu <= goal else "missed")
    return [
        name,
        f"{_median(runs, name, 'cpu'):.1f}",
        f"{cpu:.2f}",
        f"{ratio('wall'):.2f}",
        f"{_median(runs, name, 'variables') / 1e6:.1f}",
        f"{ratio('peak'):.2f}",
        str(len(runs[name])),
        f"<= {goal:.2f}: {met}" if goal else "",
    ]


def _ratio(runs, name, what):
    times = {key: [run[what] for run in own] for key, own in runs.items()}
    return statistics.median(interleave.ratios(times, name))


def _median(runs, name, what):
    return statistics.median(run[what] for run in runs[name])


_HEADING = (
    "Building, compiling and the first `fit` of MobileNetV2 (2 steps of 8 "
    "images of 96x96) in a\nfresh process, imports left out. CPU seconds are "
    "those of all threads; variables are the\nmodel's and the optimizer's; "
    "peak memory is that of the process, the libraries in it."
)
