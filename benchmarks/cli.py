"""Runs a suite of a command line.

Its module is imported when it is run: `--help` imports no TensorFlow.
"""

from __future__ import annotations

import argparse
import importlib
import pathlib
from collections.abc import Sequence

from benchmarks import catalog
from benchmarks.harness import report

_CALL = "python scripts/benchmark.py"


def main(arguments: Sequence[str]) -> str:
    """Runs a suite.

    Args:
        arguments: Strings, those of the command line.

    Returns:
        The results as Markdown and which processor they come from, or what
        suites there are. `--help` of a suite is printed and ends the process.

    Raises:
        ValueError: for an unknown suite or flag, or one out of range.
    """
    name, *others = arguments or [""]
    if name in ("-h", "--help"):
        return _list()
    if name not in catalog.SUITES:
        raise ValueError(
            f"expected one of {', '.join(catalog.SUITES)}. Received: "
            f"{name or 'nothing'}. See --help."
        )
    flags = _parser(name).parse_args(others)
    suite = importlib.import_module(f"benchmarks.suites.{name}")
    results = suite.main(flags).rstrip()
    results = f"{results}\n\nMeasured on {report.processor()}.\n"
    if flags.output:
        path = pathlib.Path(flags.output)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(results)
    return results


def _list():
    width = max(map(len, catalog.SUITES)) + 2
    lines = [
        f"  {name:{width}}{x.summary}" for name, x in catalog.SUITES.items()
    ]
    return "\n".join(
        [
            f"usage: {_CALL} SUITE [flags]",
            "\nMeasures what pruning costs and gains: ratios in one run, "
            "interleaved.\n",
            "suites:",
            *lines,
            f"\nflags: {_CALL} SUITE --help",
        ]
    )


class _Parser(argparse.ArgumentParser):
    """Parser whose errors are raised."""

    def error(self, message):
        raise ValueError(f"{self.prog}: {message}. See {self.prog} --help.")


def _parser(name):
    suite = catalog.SUITES[name]
    parser = _Parser(
        prog=name,
        usage=f"{_CALL} {name} [flags]",
        description=f"{suite.summary} {suite.details}".strip(),
        add_help=False,
        allow_abbrev=False,
    )
    group = parser.add_argument_group("flags")
    group.add_argument("-h", "--help", action="help", help="This text.")
    for flag in (*suite.flags, catalog.OUTPUT):
        _add(group, flag)
    return parser


def _add(group, flag):
    if flag.parse is None:
        group.add_argument(
            f"--{flag.name}", action="store_true", help=flag.help
        )
        return
    shown = flag.default
    if isinstance(shown, tuple):
        shown = ",".join(map(str, shown))
    default = "" if shown in (None, "") else f" Default: {shown}."
    group.add_argument(
        f"--{flag.name}",
        metavar="VALUE",
        default=flag.default,
        type=flag.parse,
        help=flag.help + default,
    )
