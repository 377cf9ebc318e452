"""The benchmark of many callers; its rates are never tested."""

from benchmarks.cases import shapes
from benchmarks.suites import concurrency


def test_rates_are_over_those_of_one_caller(monkeypatch):
    layer = shapes.Product("small", 20, 10, 1.0)
    monkeypatch.setattr(concurrency, "LAYERS", (layer,))
    monkeypatch.setattr(concurrency, "CALLS", 64)
    text = concurrency.run(rounds=10)
    rows = [line.split(" | ") for line in text.splitlines() if "small" in line]
    assert [row[1] for row in rows] == ["sparse", "dense"]
    for _, _, one, *others in rows:
        assert one == "1.00" and len(others) == 3
