"""Executors: the same outcomes, wherever they come from."""

import subprocess
import sys

import numpy as np
import pytest

from tests.search import nets
from tfprune.graph import leaves
from tfprune.search import executors
from tfprune.search import problem as problem_lib

CANDIDATES = np.random.default_rng(0).uniform(-1, 2, (7, 3))


def check(name, wrap=False):
    """Before and after the net has changed; more workers than candidates."""
    model = nets.pruned(compiled=True, wrap=wrap)
    problem = problem_lib.Problem(model, nets.data(), 0.1)
    with executors.build(name, problem, 2) as executor:
        assert executor.evaluate(CANDIDATES) == problem.evaluate(CANDIDATES)
        problem.apply([0.0, 0.5, -0.5])
        kernel = leaves.addresses(model)["hidden"].kernel
        kernel.assign(-kernel.value)
        reference = executor.refresh()
        assert reference == problem.accuracy()
        assert executor.evaluate(CANDIDATES) == problem.evaluate(CANDIDATES)
        one = executor.evaluate(CANDIDATES[:1])
        assert one == problem.evaluate(CANDIDATES[:1])


@pytest.mark.parametrize(
    "name, wrap",
    [
        ("serial", False),
        ("serial", True),
        ("processes", False),
        pytest.param("processes", True, marks=pytest.mark.slow),
    ],
)
def test_outcomes_are_those_of_the_problem(name, wrap):
    check(name, wrap)


def test_outcomes_of_ray_are_those_of_the_problem():
    ray = pytest.importorskip("ray")
    try:
        check("ray")
    finally:
        ray.shutdown()


def test_ray_is_imported_when_it_is_needed(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    problem = problem_lib.Problem(nets.pruned(), nets.data(), 0.1)
    with pytest.raises(ImportError, match=r"pip install 'tfprune\[ray\]'"):
        executors.build("ray", problem).__enter__()


@pytest.mark.parametrize(
    ("name", "workers", "words"),
    [
        ("proceses", 2, "Did you mean 'processes'"),
        ("serial", 0, "`workers` must be an integer from 1"),
    ],
)
def test_bad_input(name, workers, words):
    with pytest.raises(ValueError, match=words):
        executors.build(name, None, workers)


def test_importing_tfprune_imports_neither():
    names = "ray", "cma"
    code = f"import sys, tfprune; print([x in sys.modules for x in {names}])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    assert done.stdout.strip() == "[False, False]", done.stderr
