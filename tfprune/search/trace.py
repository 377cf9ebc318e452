"""Trace: every candidate of every search, one line of JSON for each.

A search that is begun again takes up the outcomes that are there already,
so that a process may end at any point: the trace is its checkpoint.
"""

from __future__ import annotations

import json
import os
import pathlib

from tfprune.search import problem


class Trace:
    """Writes, and recalls, the outcomes of searches.

    A search has a line of its own, with `step`, the `layers`, the `reference`
    accuracy and a `fingerprint`; then one for each candidate, with `step`,
    `candidate` and the fields of `Outcome`.

    Args:
        path: File of lines, appended to; None keeps nothing.
    """

    def __init__(self, path=None):
        self._path = None if path is None else pathlib.Path(path)
        self._recalled = []

    def begin(self, step: int, about: dict, population: int) -> None:
        """Begins a search, or resumes it where it stopped.

        What the file has of this step is recalled if `about` is the same, in
        whole generations; what it has of later ones never happened.

        Args:
            step: Integer.
            about: Dict, as JSON can have it.
            population: Integer, candidates of a generation.
        """
        self._step, self._recalled = step, []
        if self._path is None:
            return
        lines = read(self._path)
        begin = next(
            (i for i, x in enumerate(lines) if x["step"] >= step), len(lines)
        )
        header = {"step": step, **about}
        kept = lines[:begin] + [header]
        if lines[begin : begin + 1] == [header]:
            found = [x for x in lines[begin + 1 :] if x["step"] == step]
            whole = len(found) // population * population
            self._recalled = found[:whole]
            kept += self._recalled
        self._rewrite(kept)

    def recall(self, count: int) -> list[problem.Outcome]:
        """The next outcomes that are known already, or none."""
        lines = self._recalled[:count]
        self._recalled = self._recalled[count:]
        fields = problem.Outcome._fields
        return [problem.Outcome(*(line[x] for x in fields)) for line in lines]

    def write(self, candidates, outcomes) -> None:
        """Adds a generation."""
        if self._path is None:
            return
        with open(self._path, "a", encoding="utf-8") as file:
            for candidate, outcome in zip(candidates, outcomes, strict=True):
                line = {"step": self._step, "candidate": candidate.tolist()}
                file.write(json.dumps(line | outcome._asdict()) + "\n")

    def _rewrite(self, lines):
        beside = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        beside.write_text("".join(json.dumps(line) + "\n" for line in lines))
        os.replace(beside, self._path)


def read(path) -> list[dict]:
    """The lines of a trace that are whole.

    A process may have died in the middle of the last one.
    """
    path = pathlib.Path(path)
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    return [json.loads(line) for line in lines]


def run(searcher, evaluator, trace: Trace) -> problem.Outcome:
    """Runs a search to its end.

    Args:
        searcher: `Searcher`.
        evaluator: `Problem`, or an executor of one: what has `evaluate`.
        trace: `Trace`, begun.

    Returns:
        The outcome of `searcher.best`.
    """
    found = []
    while not searcher.done:
        candidates = searcher.ask()
        outcomes = trace.recall(len(candidates))
        if not outcomes:
            outcomes = evaluator.evaluate(candidates)
            trace.write(candidates, outcomes)
        values = [outcome.value for outcome in outcomes]
        searcher.tell(values)
        found.append(outcomes[values.index(min(values))])
    return min(found, key=lambda outcome: outcome.value)
