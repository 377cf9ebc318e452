"""A model of WinogradConv2D trains, is pruned, saved and exported."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

import tfprune
from tfprune import layers
from tfprune.graph import pruned


def images(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def small_model():
    model = keras.Sequential(
        [
            keras.Input((9, 9, 2)),
            layers.WinogradConv2D(6, 3, "same", activation="relu", name="a"),
            layers.WinogradConv2D(4, 5, groups=2, name="b"),
            keras.layers.Flatten(),
            keras.layers.Dense(3),
        ]
    )
    return model


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_trains(jit_compile, policy):
    keras.config.set_dtype_policy(policy)
    model = small_model()
    before = [layer.kernel.numpy() for layer in model.layers[:2]]
    sgd = keras.optimizers.SGD(0.01, momentum=0.9)
    model.compile(sgd, "mse", jit_compile=jit_compile)
    x = images(32, 9, 9, 2)
    y = np.ones((32, 3), "float32")
    losses = model.fit(x, y, 8, epochs=10, verbose=0).history["loss"]
    assert losses[-1] < 0.9 * losses[0]
    for layer, kernel in zip(model.layers, before, strict=False):
        assert layer.kernel.dtype == "float32"
        assert layer.output.dtype == layer.compute_dtype
        assert np.mean(layer.kernel.numpy() != kernel) > 0.9


def test_saves_and_loads(tmp_path):
    model = small_model()
    x = images(2, 9, 9, 2)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(x), model(x))
    model.save_weights(tmp_path / "model.weights.h5")
    other = small_model()
    other.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(other(x), model(x))


def test_exports_as_stock_ops(tmp_path):
    model = small_model()
    x = images(2, 9, 9, 2)
    tfprune.export(model, tmp_path / "served")
    serve = tf.saved_model.load(tmp_path / "served")
    serve = serve.signatures["serving_default"]
    name = list(serve.structured_input_signature[1])[0]
    (y,) = serve(**{name: tf.constant(x)}).values()
    np.testing.assert_allclose(y, ops.convert_to_numpy(model(x)), atol=1e-5)


@pytest.mark.parametrize("name", ["magnitude", "surgery", "threshold_surgery"])
def test_other_methods_prune_its_coefficients(name):
    model = tfprune.prune(small_model(), name)
    kernel = pruned.units(model)["a"].targets[0].variable
    assert kernel.shape == (6, 6, 2, 6)
    model.compile(tfprune.PruningOptimizer("adam"), "mse")
    model.fit(images(16, 9, 9, 2), np.ones((16, 3)), 4, verbose=0)
    x = images(2, 9, 9, 2)
    before = model(x)
    bare = tfprune.strip(model)
    assert isinstance(bare.layers[0], layers.WinogradConv2D)
    np.testing.assert_array_equal(bare(x), before)


def test_the_report_counts_uses_of_coefficients():
    row, *_ = tfprune.report(small_model()).rows
    assert row.weights == 36 * 2 * 6
    # 9x9 pixels are 3x3 tiles.
    assert row.macs == 9 * row.weights
