"""The benchmarks of searches: what they count. Times are never tested."""

import sys

import numpy as np
import pytest

from benchmarks.suites import search
from benchmarks.suites import search_speed
from experiments.datasets import mnist
from tfprune.core import units
from tfprune.search import problem as problem_lib


def splits():
    """Images whose bright row is their class, which a net learns at once."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 10, 400)
    images = random.integers(0, 60, (400, 28, 28, 1), np.uint8)
    images[np.arange(400), 2 * labels] = 250
    train = mnist.Split(images[:320], labels[:320])
    held_out = mnist.Split(images[320:], labels[320:])
    return mnist.Splits(train, held_out, held_out)


@pytest.fixture(scope="module")
def net():
    return search.build(0, splits(), steps=5)


def test_by_hand_measures_the_same_and_leaves_no_trace(net):
    model, data = net
    problem = problem_lib.Problem(model, data, 1.0)
    candidates = np.array([[0.0, 0.5, 1.0], [1.0, 2.0, 0.0]])
    expected = problem.measure(candidates)[0]
    found = search_speed.by_hand(model, data, candidates)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    for unit in units.tagged(model.variables):
        assert all(target.mask.numpy().all() for target in unit.targets)


def test_table_of_speed():
    times = {"plain": [2.0, 4.0, 2.0], search_speed.SERIAL: [0.2, 0.4, 0.25]}
    lines = search_speed.table(times).splitlines()
    assert lines[2] == "| by hand | 10 | 1.0 |  |"
    assert lines[3] == "| tfprune, serial | 80 | 10.0 | >= 5: met |"
    times[search_speed.SERIAL] = [1.0] * 3
    assert "missed" in search_speed.table(times)


def test_every_executor_is_measured(net, monkeypatch):
    monkeypatch.setattr(search_speed, "WORKERS", (1,))
    monkeypatch.setitem(sys.modules, "ray", None)
    text = search_speed.run(2, *net)
    for name in ("by hand", "forward pass alone", "serial", "processes, 1"):
        assert f"{name} |" in text


def test_comparison(net, tmp_path):
    pytest.importorskip("cma")
    text = search.run(
        tmp_path / "plot.png",
        seeds=(0, 1),
        nets=lambda seed: net,
        delta=0.1,
        evaluations=40,
    )
    assert "2 nets, 40 evaluations" in text and "delta 10%" in text
    rows = text.splitlines()[-3:]
    assert [row.split(" | ")[0][2:5] for row in rows] == ["NCS", "sam", "CMA"]
    assert (tmp_path / "plot.png").stat().st_size > 1000


def test_best_so_far_never_rises_and_counts_every_evaluation(net):
    values = search.best_so_far("ncs", *net, 3, 1.0, 40)
    assert len(values) == 50 and (np.diff(values) <= 0).all()
    assert values[-1] < values[0] <= 1


def test_nothing_feasible_keeps_all():
    found = {name: [np.array([1.0, 1.0])] for name in ("ncs", "cma")}
    assert "| NCS | 100.00% |" in search.table(found)
