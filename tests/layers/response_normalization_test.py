import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune import ops
from tfprune.layers import SparseResponseNormalization
from tfprune.ops import library

compiled = pytest.mark.skipif(library.load().ops is None, reason=ops.describe())


def inputs(channels, size=5, batch=2):
    shape = (batch, size, size, channels)
    return np.random.default_rng(0).normal(0, 50, shape).astype("float32")


def dense(channels, **how):
    layer = tfprune.layers.LocalResponseNormalization(**how)
    layer.build((None, None, None, channels))
    return layer


def expected(x, radius, bias, alpha, beta):
    padded = np.pad(np.float64(x) ** 2, [(0, 0)] * 3 + [(radius, radius)])
    sums = sum(
        padded[..., first : first + x.shape[-1]]
        for first in range(2 * radius + 1)
    )
    return x / (bias + alpha * sums) ** beta


def test_defaults_are_those_of_alexnet():
    x = inputs(7)
    found = tfprune.layers.LocalResponseNormalization()(x)
    want = expected(x, 2, 1.0, 1e-4 / 5, 0.75)
    np.testing.assert_allclose(found, want, rtol=1e-5)


@pytest.mark.parametrize("beta", [0.5, 0.75, 1.0])
@pytest.mark.parametrize("radius", [0, 1, 2, 5])
@pytest.mark.parametrize("channels", [1, 2, 7, 16, 17, 96])
def test_sparse_equals_dense(channels, radius, beta):
    how = {"radius": radius, "bias": 2.0, "alpha": 1e-3, "beta": beta}
    x = inputs(channels)
    layer = dense(channels, **how)
    sparse = SparseResponseNormalization.from_dense(layer)
    for one in (layer, sparse):
        np.testing.assert_allclose(one(x), expected(x, **how), rtol=1e-5)


@pytest.mark.parametrize("shape", [(0, 3, 3, 4), (1, 1, 1, 4), (3, 0, 2, 4)])
def test_few_pixels(shape):
    x = np.ones(shape, "float32")
    layer = dense(4)
    sparse = SparseResponseNormalization.from_dense(layer)
    np.testing.assert_allclose(sparse(x), layer(x), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_stays(dtype):
    layer = dense(8, dtype=f"mixed_{dtype}")
    sparse = SparseResponseNormalization.from_dense(layer)
    x = inputs(8)
    assert sparse(x).dtype == layer(x).dtype == dtype
    x = x.astype(dtype).astype("float32")
    for one in (layer, sparse):
        want = expected(x, 2, 1.0, 1e-4 / 5, 0.75)
        found = np.asarray(one(x), "float32")
        np.testing.assert_allclose(found, want, rtol=1e-2)


def test_nothing_trains():
    sparse = SparseResponseNormalization.from_dense(dense(8))
    assert not sparse.trainable_variables


@pytest.mark.parametrize(
    "name, value",
    [("radius", -1), ("bias", "1"), ("alpha", None), ("beta", "x")],
)
def test_arguments_are_checked(name, value):
    with pytest.raises(ValueError, match=f"`{name}` must be"):
        tfprune.layers.LocalResponseNormalization(**{name: value})


def test_channels_must_be_known():
    with pytest.raises(ValueError, match="known number of channels"):
        tfprune.layers.LocalResponseNormalization()(keras.Input((4, 4, None)))


@compiled
def test_sparsify_and_save(tmp_path):
    model = keras.Sequential(
        [
            keras.Input((30, 30, 96)),
            tfprune.layers.LocalResponseNormalization(name="norm"),
            layers.Conv2D(8, 1, name="conv"),
        ]
    )
    found = tfprune.sparsify(model, rounds=3)
    norm, conv = found.decisions
    assert norm.layer == "norm" and norm.flops == 2 * 900 * 96 * 96
    np.testing.assert_allclose(norm.sparsity, 1 - 474 / 96**2)
    assert norm.sparse_ms > 0 and conv.why == "has no zeros"
    sparse = SparseResponseNormalization.from_dense(model.get_layer("norm"))
    other = tfprune.layers.LocalResponseNormalization(3, 2.0, 0.01, 0.5)
    own = keras.Sequential([keras.Input((30, 30, 96)), sparse, other])
    own.save(tmp_path / "own.keras")
    x = inputs(96, 30)
    np.testing.assert_array_equal(
        keras.models.load_model(tmp_path / "own.keras")(x), own(x)
    )
    y = model(x)
    np.testing.assert_allclose(found.model(x), y, rtol=1e-3, atol=1e-4)
