"""The layers of a net: their types and tables; never their times."""

import keras

from benchmarks.suites import layer_types as types
from benchmarks.suites import model_layers
from tests.benchmarks.engines import export_test
from tests.benchmarks.suites import models_test
from tfprune.compress.sparse import sparsify
from tfprune.profiling import timer

times = models_test.times


@models_test.compiled
def test_layers_of_a_file(tmp_path, times):
    path = models_test.small(tmp_path / "net.keras")
    plot = tmp_path / "waterfall.png"
    setup = model_layers.Setup(path, 0.9, batch=2)
    text = model_layers.run(setup, rounds=1, plot=plot)
    first, second = text.split("All layers of a type")
    conv, fc = models_test.table(first)
    assert (conv["layer"], fc["layer"]) == ("conv", "fc")
    assert conv["dense ms"] == "2.000"
    # 2 examples of 36 pixels, 450 weights, in 2 ms.
    assert float(conv["dense GFLOPS"]) == round(2 * 2 * 36 * 450 / 2e6)
    assert conv["of dense time"] == "50.0%"
    assert conv["runs"] == "sparse"
    assert "sparse 3.00x" in text
    by_type = {row["type"]: row for row in models_test.table(second)}
    assert list(by_type) == [
        "3x3 and larger",
        "fully connected",
        "rest",
        "whole",
    ]
    # The model takes 6 ms, and 2 ms in the end, by these.
    assert by_type["3x3 and larger"]["dense ms"] == "2.00"
    assert by_type["rest"]["dense ms"] == "2.00"
    assert by_type["rest"]["mixed ms"] == "0.00"
    assert by_type["whole"]["x"] == "3.00"
    assert plot.stat().st_size > 5000


def test_types_of_layers():
    layers, conv = keras.layers, keras.layers.Conv2D
    shape = (1, 8, 8, 16)
    found = {
        types.classify(layer, shape)
        for layer in (conv(4, 3), conv(4, (1, 3)), conv(4, 5, groups=2))
    }
    assert found == {types.LARGE}
    assert types.classify(conv(4, 1), shape) == types.POINTWISE
    assert types.classify(conv(4, 1), (1, 8, 8, 3)) == types.FIRST
    assert types.classify(layers.DepthwiseConv2D(3), shape) == types.DEPTHWISE
    assert types.classify(layers.Dense(3), (1, 4)) == types.PRODUCT
    assert types.classify(layers.MaxPooling2D(), shape) == types.POOLING
    assert types.classify(layers.ReLU(), shape) == types.REST


def test_types_of_a_model_with_an_input_layer(monkeypatch):
    monkeypatch.setattr(
        timer, "layers", lambda pair, *_: dict.fromkeys(pair, 2.0)
    )
    model = export_test.grouped()
    found = sparsify.Sparsified(
        model=model,
        decisions=[],
        milliseconds={"given": 9.0, "sparse": 7.0},
        shapes=[],
    )
    assert types.measure(model, found, 1, 1) == [
        (types.FIRST, 2.0, 2.0),
        (types.PRODUCT, 2.0, 2.0),
        (types.REST, 5.0, 3.0),
    ]
