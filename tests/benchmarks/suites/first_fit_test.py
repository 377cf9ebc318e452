"""The table of the first fit. Times are never tested."""

from benchmarks.engines import first_fit as engine
from benchmarks.suites import first_fit


def runs(cpu):
    own = {"wall": 2 * cpu, "cpu": cpu, "variables": 3e6, "peak": 10 * cpu}
    return [own, own]


def test_markdown():
    text = first_fit.markdown(
        {"plain": runs(10.0), "in place": runs(12.5), "wrapped": runs(30.0)}
    )
    lines = [line.split("|") for line in text.splitlines()]
    cells = [[cell.strip() for cell in line[1:-1]] for line in lines]
    assert {len(row) for row in cells} == {len(first_fit.HEADER)}
    assert cells[2:] == [
        ["plain", "10.0", "1.00", "1.00", "3.0", "1.00", "2", ""],
        ["in place", "12.5", "1.25", "1.25", "3.0", "1.25", "2", GOAL],
        ["wrapped", "30.0", "3.00", "3.00", "3.0", "3.00", "2", ""],
    ]


GOAL = "<= 1.30: met"


def test_every_variant_is_one_of_the_engine():
    assert list(engine.VARIANTS) == list(first_fit.VARIANTS)
    assert first_fit.GOALS.keys() <= engine.VARIANTS.keys()
