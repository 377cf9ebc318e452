"""Whole nets: what is pruned of them, and the tables; never their times."""

import keras
import pytest

from benchmarks.cases import models as model_cases
from benchmarks.engines import client
from benchmarks.harness import inprocess
from benchmarks.suites import models
from tfprune import ops
from tfprune.ops import library
from tfprune.profiling import timer

compiled = pytest.mark.skipif(library.load().ops is None, reason=ops.describe())


@pytest.fixture
def times(monkeypatch):
    """Sparse layers are always twice as fast here, and models thrice."""
    monkeypatch.setattr(inprocess, "set_threads", lambda count: None)
    monkeypatch.setattr(
        timer,
        "layers",
        lambda candidates, shape, rounds: {
            name: 2.0 if name == "dense" else 1.0 for name in candidates
        },
    )
    found = {"given": 6.0, "folded": 4.0, "sparse": 2.0}
    monkeypatch.setattr(
        timer,
        "models",
        lambda candidates, *_: {k: found[k] for k in candidates},
    )


def small(path):
    model = keras.Sequential(
        [
            keras.Input((8, 8, 10)),
            keras.layers.Conv2D(5, 3, name="conv"),
            keras.layers.Flatten(),
            keras.layers.Dense(3, name="fc"),
        ]
    )
    model_cases.prune(model, model_cases.uniform(model, 0.5))
    model.save(path)
    return str(path)


def table(text):
    lines = [line for line in text.splitlines() if line.startswith("|")]
    header, _, *rows = (
        [cell.strip() for cell in line.split("|")[1:-1]] for line in lines
    )
    return [dict(zip(header, row, strict=True)) for row in rows]


OWN = client.Environments()
FEW = ("tfprune", "TensorFlow (folded)")


class Own(client.Environments):
    """As many processes as it takes to run every kind of file once."""

    def available(self):
        return [e for e in super().available() if e.name in FEW]


@compiled
def test_whole_models(times):
    setup = models.Setup(["lenet_5"], (0.5, 0.9))
    one, two = table(models.run(setup, Own(), rounds=5))
    assert (one["sparsity"], two["sparsity"]) == ("50%", "90%")
    assert two["net"] == "lenet_5"
    assert two["sparse layers"] == "3 of 4"
    assert all(float(two[name]) > 0 for name in FEW[1:])
    assert two["x DeepSparse"] == ""


def test_unknown_nets_are_named(times):
    with pytest.raises(ValueError, match="model.*'lenet'"):
        models.run(models.Setup(["lenet"], (0.9,)), OWN, 1)


def test_other_engines_need_a_converter(times):
    environments = client.Environments(deepsparse="python3")
    with pytest.raises(ValueError, match="`convert` must be a Python"):
        models.run(models.Setup(["lenet_5"], (0.9,)), environments, 1)


def row(**seconds):
    names = {"folded": "TensorFlow (folded)", "deepsparse": "DeepSparse"}
    times = {names.get(name, name): [s, 2 * s] for name, s in seconds.items()}
    narrow = {"TensorFlow": [2.0], "TensorFlow (folded)": [1.0]}
    return models.Row("net", 0.9, [], 0.12, times, 0.11, narrow)


def test_table_of_whole_models():
    some = row(tfprune=1.0, TensorFlow=6.0, folded=4.0, deepsparse=2.0)
    setup = models.Setup(["net"], (0.9,))
    (found,) = table(models.markdown([some], setup))
    assert found == {
        "net": "net",
        "sparsity": "90%",
        "multiplications": "12.0%",
        "sparse layers": "0 of 0",
        "ms": "1000.0",
        "x TensorFlow": "4.00 (4.00)",
        "x best dense": "4.00 (4.00)",
        "x DeepSparse": "2.00 (2.00)",
        "narrow dense net x TensorFlow": "4.00 (11.0%)",
        "TensorFlow": "6.00",
        "TensorFlow (folded)": "4.00",
        "DeepSparse": "2.00",
    }
