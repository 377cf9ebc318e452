"""Attention and normalizations in one pass equal those of Keras."""

import keras
import numpy as np
import pytest

from tfprune.layers import fused_attention
from tfprune.layers import fused_functions
from tfprune.layers import fused_normalization
from tfprune.ops import activations

PAIRS = [
    (keras.layers.LayerNormalization, "FusedLayerNormalization"),
    (keras.layers.RMSNormalization, "FusedRMSNormalization"),
]


def floats(*shape):
    return np.random.default_rng(0).normal(1, 2, shape).astype("float32")


def normalizations():
    for kind, name in PAIRS:
        for how in ({}, {"axis": (2,)}, {"epsilon": 0.5}):
            yield kind(**how), getattr(fused_normalization, name)
    for how in ({"axis": 1}, {"center": False, "scale": False}):
        layer = keras.layers.LayerNormalization(**how)
        yield layer, fused_normalization.FusedLayerNormalization


def randomized(layer, x):
    layer.build(x.shape)
    for number, variable in enumerate(layer.variables):
        variable.assign(floats(*variable.shape) + number)
    return layer


@pytest.mark.parametrize(
    "policy", ["float32", "mixed_bfloat16", "mixed_float16"]
)
def test_normalizations(policy):
    keras.config.set_dtype_policy(policy)
    x = floats(3, 5, 20)
    tolerance = 1e-5 if policy == "float32" else 0.05
    for layer, kind in normalizations():
        own = kind.from_layer(randomized(layer, x))
        assert own(x).dtype == layer(x).dtype
        assert (own.name, own.trainable) == (layer.name, layer.trainable)
        np.testing.assert_allclose(
            np.array(own(x), "float32"),
            np.array(layer(x), "float32"),
            rtol=tolerance,
            atol=tolerance,
        )


def attention_net(fused, length, **how):
    def attend(*tensors, **more):
        if not fused:
            return keras.ops.dot_product_attention(*tensors, **more, **how)
        return fused_attention.FusedAttention(**how)(*tensors, **more)

    inputs = keras.Input((length, 4, 8))
    seen = keras.Input((1, 1, length), dtype="bool")
    own = attend(inputs, inputs, inputs)
    own += attend(inputs, inputs, inputs, mask=seen, scale=0.1)
    bias = keras.ops.cast(seen, "float32")
    return keras.Model(
        [inputs, seen], own + attend(inputs, inputs, inputs, bias=bias)
    )


@pytest.mark.parametrize("is_causal", [False, True])
@pytest.mark.parametrize("length", [None, 7])
def test_attention(length, is_causal, tmp_path):
    x = [floats(2, 7, 4, 8), floats(2, 1, 1, 7) > 0]
    plain, fused = (
        attention_net(fused, length, is_causal=is_causal)
        for fused in (False, True)
    )
    expected = plain.predict(x, verbose=0)
    np.testing.assert_allclose(fused.predict(x, verbose=0), expected, atol=1e-5)
    fused.save(tmp_path / "fused.keras")
    again = keras.saving.load_model(tmp_path / "fused.keras")
    np.testing.assert_allclose(again.predict(x, verbose=0), expected, atol=1e-5)


def test_attention_of_short_floats():
    x = keras.ops.cast(floats(2, 7, 4, 8), "bfloat16")
    found = fused_attention.FusedAttention()(x, x, x)
    assert found.dtype == "bfloat16"
    expected = keras.ops.dot_product_attention(x, x, x)
    np.testing.assert_allclose(
        np.array(found, "float32"), np.array(expected, "float32"), atol=0.05
    )


def test_functions_of_layers_and_operations():
    def behind(function):
        x = keras.Input((3,))
        return fused_functions.of(keras.Model(x, function(x)).operations[-1])

    class Silu(keras.layers.Layer):
        """A namesake that does something else."""

        def call(self, x):
            return x * 2

    class Gelu(keras.layers.ReLU):
        """As above."""

    ops, own = keras.ops, keras.activations
    assert behind(lambda x: ops.gelu(x, approximate=False)) is own.gelu
    by_tanh = fused_functions.gelu_approximate
    assert behind(lambda x: ops.gelu(x, approximate=True)) is by_tanh
    assert behind(ops.silu) is own.silu
    assert behind(ops.relu) is own.relu
    assert behind(keras.layers.Activation("gelu")) is own.gelu
    assert behind(keras.layers.ReLU(6)) is own.relu6
    for unknown in (
        ops.sigmoid,
        keras.layers.Activation("tanh"),
        keras.layers.Activation("linear"),
        Silu(),
        Gelu(),
        keras.layers.ReLU(negative_slope=0.1),
        keras.layers.Dense(2),
    ):
        assert behind(unknown) is None


def test_an_activation_comes_back_from_its_name():
    function = fused_functions.gelu_approximate
    config = keras.activations.serialize(function)
    assert keras.activations.get(config) is function


def test_ops_and_layers_have_one_list_of_functions():
    assert list(fused_functions.NAMES.values()) == list(activations.FUSED)


def test_what_is_left_to_keras():
    x = floats(2, 3, 8).astype("float64")
    keras.config.set_dtype_policy("float64")
    for layer, kind in normalizations():
        own = kind.from_layer(randomized(layer, x))
        assert own(x).dtype == "float64"
        np.testing.assert_allclose(own(x), layer(x), rtol=1e-12)
    x = keras.ops.convert_to_tensor(floats(2, 3, 4, 8).astype("float64"))
    found = fused_attention.FusedAttention()(x, x, x)
    expected = keras.ops.dot_product_attention(x, x, x)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_dtypes_of_attention_that_differ():
    x = keras.ops.convert_to_tensor(floats(2, 3, 4, 8))
    found = fused_attention.FusedAttention()(
        keras.ops.cast(x, "bfloat16"), x, x
    )
    assert found.dtype == "float32"


def test_a_layer_of_another_kind_is_refused():
    layer = keras.layers.Dense(3)
    layer.build((None, 4))
    for _, name in PAIRS:
        with pytest.raises(ValueError, match="`layer` must be"):
            getattr(fused_normalization, name).from_layer(layer)
