"""Finished runs beside their dense nets: the table, never the times."""

import pytest

import benchmarks
from benchmarks.harness import inprocess
from benchmarks.suites import runs
from tests.benchmarks.suites import models_test

RESULTS = benchmarks.ROOT / "results"


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter")
def test_each_run_is_a_row(monkeypatch):
    # The number of threads is settled once in a process.
    monkeypatch.setattr(inprocess, "set_threads", lambda count: None)
    paths = [RESULTS / "lenet300_surgery", RESULTS / "lenet5_surgery"]
    text = runs.run(paths, batch=2, threads=1, rounds=2)
    small, large = models_test.table(text)
    assert (small["run"], large["run"]) == (
        "lenet300_surgery",
        "lenet5_surgery",
    )
    assert (large["test accuracy"], large["dense"]) == ("99.13%", "99.30%")
    assert (large["parameters"], large["MACs"]) == ("3,962", "131,722")
    for engine in ("TensorFlow", "sparsified", "LiteRT"):
        assert float(large[engine][:-1]) > 0
