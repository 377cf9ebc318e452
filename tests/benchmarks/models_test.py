"""Whole nets: what is pruned of them, and the tables; never their times."""

import keras
import numpy as np
import pytest

from benchmarks import engines
from benchmarks import kinds
from benchmarks import model_layers
from benchmarks import models
from benchmarks import models_table
from benchmarks import net_files
from benchmarks import pruning
from benchmarks import threads
from tfprune import ops
from tfprune.compress.sparse import sparsify
from tfprune.ops import library
from tfprune.profiling import timer

compiled = pytest.mark.skipif(library.load().ops is None, reason=ops.describe())


@pytest.fixture
def times(monkeypatch):
    """Sparse layers are always twice as fast here, and models thrice."""
    monkeypatch.setattr(threads, "use", lambda count: None)
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
        lambda candidates, batch_size, rounds: {
            k: found[k] for k in candidates
        },
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
    pruning.prune(model, pruning.uniform(model, 0.5))
    model.save(path)
    return str(path)


def table(text):
    lines = [line for line in text.splitlines() if line.startswith("|")]
    header, _, *rows = (
        [cell.strip() for cell in line.split("|")[1:-1]] for line in lines
    )
    return [dict(zip(header, row, strict=True)) for row in rows]


@compiled
def test_layers_of_a_file(tmp_path, times):
    path = small(tmp_path / "net.keras")
    plot = tmp_path / "waterfall.png"
    setup = model_layers.Setup(path, 0.9, batch=2)
    text = model_layers.run(setup, rounds=1, plot=plot)
    first, second = text.split("All layers of a kind")
    conv, fc = table(first)
    assert (conv["layer"], fc["layer"]) == ("conv", "fc")
    assert conv["dense ms"] == "2.000"
    # 2 examples of 36 pixels, 450 weights, in 2 ms.
    assert float(conv["dense GFLOPS"]) == round(2 * 2 * 36 * 450 / 2e6)
    assert conv["of dense time"] == "50.0%"
    assert conv["runs"] == "sparse"
    assert "sparse 3.00x" in text
    by_kind = {row["kind"]: row for row in table(second)}
    assert list(by_kind) == [
        "3x3 and larger",
        "fully connected",
        "rest",
        "whole",
    ]
    # The model takes 6 ms, and 2 ms in the end, by these.
    assert by_kind["3x3 and larger"]["dense ms"] == "2.00"
    assert by_kind["rest"]["dense ms"] == "2.00"
    assert by_kind["rest"]["mixed ms"] == "0.00"
    assert by_kind["whole"]["x"] == "3.00"
    assert plot.stat().st_size > 5000


OWN = engines.Environments()
FEW = ("tfprune", "TensorFlow (folded)")


class Own(engines.Environments):
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


def test_kinds_of_layers():
    layers, conv = keras.layers, keras.layers.Conv2D
    shape = (1, 8, 8, 16)
    found = {
        kinds.kind(layer, shape)
        for layer in (conv(4, 3), conv(4, (1, 3)), conv(4, 5, groups=2))
    }
    assert found == {kinds.LARGE}
    assert kinds.kind(conv(4, 1), shape) == kinds.POINTWISE
    assert kinds.kind(conv(4, 1), (1, 8, 8, 3)) == kinds.FIRST
    assert kinds.kind(layers.DepthwiseConv2D(3), shape) == kinds.DEPTHWISE
    assert kinds.kind(layers.Dense(3), (1, 4)) == kinds.PRODUCT
    assert kinds.kind(layers.MaxPooling2D(), shape) == kinds.POOLING
    assert kinds.kind(layers.ReLU(), shape) == kinds.REST


def test_kinds_of_a_model_with_an_input_layer(monkeypatch):
    monkeypatch.setattr(
        timer, "layers", lambda pair, *_: dict.fromkeys(pair, 2.0)
    )
    model = grouped()
    found = sparsify.Sparsified(
        model=model, decisions=[], milliseconds={"given": 9.0, "sparse": 7.0}
    )
    assert kinds.spent(model, found, 1, 1) == [
        (kinds.FIRST, 2.0, 2.0),
        (kinds.PRODUCT, 2.0, 2.0),
        (kinds.REST, 5.0, 3.0),
    ]


def test_unknown_nets_are_named(times):
    with pytest.raises(ValueError, match="model.*'lenet'"):
        models.run(models.Setup(["lenet"], (0.9,)), OWN, 1)


def test_other_engines_need_a_converter(times):
    environments = engines.Environments(deepsparse="python3")
    with pytest.raises(ValueError, match="`convert` must be a Python"):
        models.run(models.Setup(["lenet_5"], (0.9,)), environments, 1)


def grouped():
    """A net of all that is written in another way than Keras has it."""
    pixels = keras.Input((8, 8, 4))
    x = keras.layers.Conv2D(6, 3, groups=2, padding="same")(pixels)
    x = keras.layers.BatchNormalization(moving_mean_initializer="ones")(x)
    x = keras.layers.Flatten()(keras.layers.ReLU()(x))
    return keras.Model(pixels, keras.layers.Dense(3)(x))


def test_files_of_a_net(tmp_path):
    import tensorflow as tf

    model, path = grouped(), tmp_path / "0.9.npz"
    net_files.examples(path, model, batch=2)
    net_files.for_tensorflow(path, model, batch=2)
    net_files.for_litert(path)
    with np.load(path) as file:
        x, y = file["x"], file["y"]
    assert x.shape == (2, 8, 8, 4)
    np.testing.assert_allclose(y, model(x), rtol=1e-5)
    module = tf.saved_model.load(str(tmp_path / "0.9.saved_model"))
    np.testing.assert_allclose(module.serve(x)["y"], y, rtol=1e-4)
    graph = module.serve.concrete_functions[0].graph.as_graph_def()
    functions = [*graph.library.function, *[graph]]
    nodes = [n.op for f in functions for n in getattr(f, "node_def", ())]
    assert "FusedBatchNormV3" not in nodes
    assert (tmp_path / "0.9.tflite").stat().st_size > 1000


CONVERTER = """#!/bin/sh
echo "$@" > {folder}/arguments
echo '{said}' >&2
"""


@pytest.mark.parametrize("said, fails", [("fine", False), ("ERROR", True)])
def test_conversion_to_onnx(tmp_path, said, fails):
    python = tmp_path / "python"
    python.write_text(CONVERTER.format(folder=tmp_path, said=said))
    python.chmod(0o755)
    if fails:
        with pytest.raises(ValueError, match="has tf2onnx.*\n.*ERROR"):
            net_files.for_onnx(tmp_path / "a.npz", str(python))
    else:
        net_files.for_onnx(tmp_path / "a.npz", str(python))
    arguments = (tmp_path / "arguments").read_text().split()
    assert arguments[:2] == ["-m", "tf2onnx.convert"]
    assert f"{tmp_path}/a.saved_model" in arguments
    assert f"{tmp_path}/a.onnx" in arguments


def row(**seconds):
    names = {"folded": "TensorFlow (folded)", "deepsparse": "DeepSparse"}
    times = {names.get(name, name): [s, 2 * s] for name, s in seconds.items()}
    narrow = {"TensorFlow": [2.0], "TensorFlow (folded)": [1.0]}
    return models_table.Row("net", 0.9, [], 0.12, times, 0.11, narrow)


def test_table_of_whole_models():
    some = row(tfprune=1.0, TensorFlow=6.0, folded=4.0, deepsparse=2.0)
    setup = models.Setup(["net"], (0.9,))
    (found,) = table(models_table.markdown([some], setup))
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
