"""The benchmark of Winograd convolutions. Times are never tested."""

import numpy as np
import pytest
import tensorflow as tf

from tfprune import ops
from tfprune.experiments.benchmarks import kernels
from tfprune.experiments.benchmarks import shapes
from tfprune.experiments.benchmarks import winograd
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
    problem = winograd.WinogradProblem(SMALL, 0.75, 3)
    assert problem.kernel.shape == (6, 6, 4, 12)
    assert np.mean(problem.kernel == 0) == pytest.approx(0.75, abs=0.05)
    assert problem.tiles == 3 * 4
    x = np.random.default_rng(0).normal(size=(3, 6, 6, 8)).astype("float32")
    assert problem.operation()(x).shape == (3, 6, 6, 12)
    assert problem.error(x) < 1e-5


@pytest.mark.skipif(library.load().ops is None, reason=ops.describe())
def test_table(monkeypatch):
    monkeypatch.setattr(winograd, "layers", lambda pattern: [SMALL])
    # They cannot be set again in one process.
    monkeypatch.setattr(
        tf.config.threading,
        "set_intra_op_parallelism_threads",
        lambda threads: None,
    )
    lines = winograd.run(kernels.Setup((0.5, 0.9)), 1)
    lines = lines.splitlines()
    header, _, *rows = [x for x in lines if x.startswith("|")]
    assert len(rows) == 2 and "net/3x3 | 90%" in rows[1]
    assert len({row.count("|") for row in [header, *rows]}) == 1


def test_it_needs_the_compiled_ops(monkeypatch):
    monkeypatch.setattr(library, "load", lambda: library.Library(None, ""))
    with pytest.raises(ValueError, match="needs the compiled ops"):
        winograd.run(kernels.Setup((0.9,)), 1)
