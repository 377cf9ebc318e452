"""Models of a low precision compute in float32 for a while."""

import keras
import numpy as np
import pytest
from keras import layers

from tfprune.graph import precision


def net(dtype):
    x = keras.Input((4,))
    y = layers.Dense(64, "tanh", dtype=dtype)(x)
    inside = keras.Sequential(
        [keras.Input((64,)), layers.Dense(3, dtype=dtype)]
    )
    return keras.Model(x, layers.BatchNormalization(dtype=dtype)(inside(y)))


def same(model, other, x):
    one, other = (np.array(each(x), "float64") for each in (model, other))
    return np.abs(one - other).max()


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_layers_compute_in_float32_inside_only(dtype):
    model, exact = net(dtype), net("float32")
    exact.set_weights(model.get_weights())
    policies = [layer.dtype_policy for layer in model.layers]
    x = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
    rough = same(model, exact, x)
    with precision.in_float32(model):
        assert same(model, exact, x) < 1e-6
    assert same(model, exact, x) == rough > 1e-5
    assert [layer.dtype_policy for layer in model.layers] == policies


def test_policies_come_back_after_an_error():
    model = net("mixed_bfloat16")
    with pytest.raises(RuntimeError), precision.in_float32(model):
        raise RuntimeError
    assert model.layers[1].compute_dtype == "bfloat16"


def test_quantized_layers_stay_so():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    model.layers[0].quantize("int8")
    with precision.in_float32(model):
        assert model.layers[0].quantization_mode == "int8"
    assert model.layers[0].dtype_policy.name == "int8_from_float32"


def test_what_is_stored_in_less_computes_in_less():
    model = net("bfloat16")
    with precision.in_float32(model):
        assert model.layers[1].compute_dtype == "bfloat16"
        assert precision.rounding(model) == 2.0**-7
    assert precision.rounding(net("float32")) == 2.0**-23
