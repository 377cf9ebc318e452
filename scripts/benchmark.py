"""Measures what pruning costs: ratios in one run, interleaved, medians.

    python scripts/benchmark.py training --output=results/overhead.md

`--tfmot=.venv-tfmot/bin/python` measures tfmot beside, in its own environment
(`make bench-peers` builds it).
"""

import pathlib

import command_line
from absl import flags

_ROUNDS = flags.DEFINE_integer(
    "rounds", 300, "Interleaved rounds.", lower_bound=20
)
_TFMOT = flags.DEFINE_string(
    "tfmot", None, "A Python that can import tfmot, to measure it beside."
)
_OUTPUT = flags.DEFINE_string("output", None, "File for the table.")


def main(benchmark):
    from tfprune.experiments import benchmarks

    table = benchmarks.ALL[benchmark](_ROUNDS.value, _TFMOT.value)
    print(table)
    if _OUTPUT.value:
        pathlib.Path(_OUTPUT.value).write_text(table)


if __name__ == "__main__":
    command_line.run(main, choices=["training"])
