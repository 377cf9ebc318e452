"""The benchmark of Winograd convolutions. Times are never tested."""

import numpy as np
import pytest

from benchmarks.cases import layers
from benchmarks.cases import shapes
from benchmarks.engines import client
from benchmarks.harness import inprocess
from benchmarks.suites import kernels
from benchmarks.suites import winograd
from tfprune import ops
from tfprune.ops import library

SMALL = shapes.Convolution("net/3x3", 8, 6, 12, 3, 1, 2, "SAME", 1.0)


def test_layers_have_a_winograd_form():
    found = winograd.layers("")
    assert all(x.kernel in (3, 5) and x.stride == 1 for x in found)
    names = [x.name for x in found]
    assert len(set(names)) == len(names) > 15
    assert "vgg16/conv5_1" in names and "alexnet/conv2" in names
    with pytest.raises(ValueError, match="part of one of: alexnet/conv2"):
        winograd.layers("res2_expand")


def test_problem():
    problem = layers.WinogradProblem(SMALL, 0.75, 3)
    assert problem.matrix.shape == (12, 6 * 6 * 4)
    assert np.mean(problem.matrix == 0) == pytest.approx(0.75, abs=0.05)
    assert problem.tiles == 3 * 4
    assert problem.flops == 2 * 3 * 4 * 6 * 6 * 4 * 12
    outputs = problem.sparse(problem.x)
    np.testing.assert_allclose(outputs, problem.dense(problem.x), atol=1e-3)
    assert outputs.shape == (3, 6, 6, 12) and problem.error() < 1e-5


@pytest.mark.slow
@pytest.mark.skipif(library.load().ops is None, reason=ops.describe())
def test_table(monkeypatch):
    monkeypatch.setattr(winograd, "layers", lambda pattern: [SMALL])
    # They cannot be set again in one process.
    monkeypatch.setattr(inprocess, "set_threads", lambda count: None)
    setup = kernels.Setup((0.5, 0.9))
    text = winograd.run(setup, client.Environments(), 1)
    header, _, *rows = [x for x in text.splitlines() if x.startswith("|")]
    assert len(rows) == 4 and "net/3x3 | 90%" in rows[1]
    assert "mean | 90%" in rows[3]
    assert len({row.count("|") for row in [header, *rows]}) == 1
    assert "measured: TensorFlow, " in text and "direct sparse" in header


def test_it_needs_the_compiled_ops(monkeypatch):
    monkeypatch.setattr(library, "load", lambda: library.Library(None, ""))
    with pytest.raises(ValueError, match="needs the compiled ops"):
        winograd.run(kernels.Setup((0.9,)), client.Environments(), 1)
