"""Nets as files that the engines read."""

import keras
import numpy as np
import pytest

from benchmarks.engines import export
from benchmarks.engines import layer_case


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
    inputs = export.images(model, batch=2)
    export.examples(path, model, inputs)
    export.for_tensorflow(path, model, inputs)
    export.for_litert(path)
    with np.load(path) as file:
        x, y = file["x"], file["y"]
    assert x.shape == (2, 8, 8, 4)
    np.testing.assert_allclose(y, model(x), rtol=1e-5)
    module = tf.saved_model.load(str(tmp_path / "0.9.saved_model"))
    try:
        served = module.serve(x)["y"]
    except tf.errors.UnimplementedError as error:  # Not on every processor.
        pytest.skip(error.message)
    np.testing.assert_allclose(served, y, rtol=1e-4)
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
    inputs = {"x": np.ones((1, 2, 2, 3)), "tokens": np.ones((1, 2))}
    if fails:
        with pytest.raises(ValueError, match="has tf2onnx.*\n.*ERROR"):
            export.for_onnx(tmp_path / "a.npz", str(python), inputs)
    else:
        export.for_onnx(tmp_path / "a.npz", str(python), inputs)
    arguments = (tmp_path / "arguments").read_text().split()
    assert arguments[:2] == ["-m", "tf2onnx.convert"]
    assert f"{tmp_path}/a.saved_model" in arguments
    assert f"{tmp_path}/a.onnx" in arguments
    assert arguments[-2:] == ["--inputs-as-nchw", "x"]


def test_files_of_a_net_of_several_inputs(tmp_path):
    import tensorflow as tf

    tokens = keras.Input((None,), dtype="int32", name="tokens")
    mask = keras.Input((None,), name="mask")
    x = keras.layers.Embedding(9, 4)(tokens) * mask[..., None]
    model = keras.Model([tokens, mask], keras.layers.Dense(3)(x))
    inputs = {
        "tokens": np.array([[1, 2, 8]], "int32"),
        "mask": np.array([[1, 0, 1]], "float32"),
    }
    path = tmp_path / "small.npz"
    export.examples(path, model, inputs)
    export.for_tensorflow(path, model, inputs)
    net = layer_case.read(path)
    assert list(net.inputs) == ["tokens", "mask"]
    np.testing.assert_allclose(net.y, model(list(inputs.values())), rtol=1e-5)
    module = tf.saved_model.load(str(tmp_path / "small.saved_model"))
    served = module.serve(*inputs.values())["y"]
    np.testing.assert_allclose(served, net.y, rtol=1e-5)


def test_gelu_without_what_no_converter_knows(tmp_path):
    import tensorflow as tf

    inputs = keras.Input((6,), name="x")
    exact = keras.ops.gelu(keras.layers.Dense(4)(inputs), approximate=False)
    model = keras.Model(inputs, keras.ops.gelu(exact))
    given = {"x": np.random.default_rng(0).normal(size=(3, 6))}
    given = {name: x.astype("float32") for name, x in given.items()}
    export.for_tensorflow(tmp_path / "net.npz", model, given)
    module = tf.saved_model.load(str(tmp_path / "net.saved_model"))
    found = module.serve(given["x"])["y"]
    np.testing.assert_allclose(found, model(given["x"]), atol=1e-6)
    graph = module.serve.concrete_functions[0].graph.as_graph_def()
    assert "Erfc" not in str(graph) and "Erf" in str(graph)
