"""Measures what pruning costs and gains: ratios in one run, interleaved.

    python scripts/benchmark.py --help
    python scripts/benchmark.py kernels --help
    python scripts/benchmark.py kernels --output=results/kernels/kernels.md

The first lists the suites, the second says what one does and takes.
"""

import sys

import command_line


def main():
    from benchmarks import cli

    print(cli.main(sys.argv[1:]))


if __name__ == "__main__":
    command_line.call(main)
