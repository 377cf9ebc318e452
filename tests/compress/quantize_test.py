"""Weights with values that take few bits: which, how near, what stays."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune.compress import quantize


def net():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 2)),
            layers.Conv2D(6, 3, name="conv", bias_initializer="normal"),
            layers.BatchNormalization(name="norm"),
            layers.Flatten(name="flat"),
            layers.Dense(20, name="dense", bias_initializer="normal"),
        ]
    )
    rng = np.random.default_rng(0)
    for name in ("conv", "dense"):
        kernel = model.get_layer(name).kernel
        kept = rng.random(kernel.shape) < 0.3
        kernel.assign(np.where(kept, kernel.numpy(), 0))
    return model


def weights(model):
    return {
        f"{layer.name}/{variable.name}": variable.numpy()
        for layer in model.layers
        for variable in layer.weights
    }


@pytest.mark.parametrize("values", ["float16", "int8", 2, 4, 6])
def test_zeros_stay_and_the_model_too(values):
    model = net()
    before = weights(model)
    small = weights(tfprune.compress.quantize_weights(model, values))
    for name, old in weights(model).items():
        np.testing.assert_array_equal(old, before[name])
        assert not np.any(small[name][old == 0])
        assert not np.any(np.signbit(small[name][small[name] == 0]))


def test_float16_has_11_bits():
    for old, new in pairs("float16"):
        expected = old.astype("float16").astype("float32")
        normal = np.abs(old) > 1e-4  # Below, float16 itself has fewer.
        np.testing.assert_array_equal(new[normal], expected[normal])
        assert np.all(np.abs(new - old) <= np.abs(old) * 2.0**-11)


def pairs(values):
    model = net()
    small = tfprune.compress.quantize_weights(model, values)
    yield from zip(
        weights(model).values(), weights(small).values(), strict=True
    )


def test_int8_is_127_steps_of_each_filter():
    for old, new in pairs("int8"):
        if old.ndim < 2:
            continue
        steps = np.max(np.abs(new), axis=tuple(range(old.ndim - 1))) / 127
        levels = new / steps
        np.testing.assert_array_equal(levels, np.rint(levels))
        assert np.all(np.abs(new - old) <= 0.51 * steps)


def test_int8_is_the_same_done_twice():
    once = tfprune.compress.quantize_weights(net(), "int8")
    twice = tfprune.compress.quantize_weights(once, "int8")
    for name, array in weights(once).items():
        np.testing.assert_array_equal(weights(twice)[name], array)


@pytest.mark.parametrize("bits", [2, 3, 5])
def test_a_layer_shares_values(bits):
    small = tfprune.compress.quantize_weights(net(), bits)
    for name in ("conv", "dense"):
        own = small.get_layer(name)
        both = np.concatenate([own.kernel.numpy().ravel(), own.bias.numpy()])
        assert 1 < len(np.unique(both[both != 0])) <= 2**bits - 1


def test_more_bits_are_nearer():
    errors = [
        sum(np.sum((old - new) ** 2) for old, new in pairs(bits))
        for bits in (2, 3, 4, 5, 6)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.01 * errors[0]


def test_layers_have_their_own_values():
    model = net()
    small = tfprune.compress.quantize_weights(model, {"conv": 2, "dense": None})
    np.testing.assert_array_equal(
        small.get_layer("dense").kernel, model.get_layer("dense").kernel
    )
    assert len(np.unique(small.get_layer("conv").kernel)) <= 4


def test_a_layer_of_zeros_and_large_numbers_stay_in_range():
    model = net()
    model.get_layer("conv").kernel.assign(np.zeros((3, 3, 2, 6)))
    model.get_layer("conv").bias.assign(np.zeros(6))
    model.get_layer("dense").bias.assign([1e38, 1e-42, *np.ones(18)])
    for values in ("float16", "int8", 4):
        small = tfprune.compress.quantize_weights(model, values)
        assert all(np.isfinite(x).all() for x in weights(small).values())
        assert not np.any(small.get_layer("conv").kernel)


@pytest.mark.parametrize("values", [1, 7, "int4", 3.5, True, {"conv": 1}])
def test_other_values_are_refused(values):
    with pytest.raises(ValueError, match="from 2 to 6"):
        tfprune.compress.quantize_weights(net(), values)


def test_namesakes_in_nested_models_are_all_reached():
    inner = keras.Sequential([keras.Input((5,)), layers.Dense(5, name="one")])
    model = keras.Sequential(
        [keras.Input((5,)), layers.Dense(5, name="one"), inner]
    )
    small = tfprune.compress.quantize_weights(model, 2)
    for kernel in (x for x in small.weights if x.name == "kernel"):
        assert len(np.unique(kernel)) <= 3


def test_an_unknown_layer_is_refused():
    with pytest.raises(ValueError, match="mean 'conv'"):
        tfprune.compress.quantize_weights(net(), {"cnv": 4})


def test_weights_that_are_not_finite_are_refused():
    model = net()
    model.get_layer("dense").bias.assign([np.nan] * 20)
    with pytest.raises(ValueError, match="finite"):
        tfprune.compress.quantize_weights(model, 4)


def test_rounding_keeps_subnormals():
    array = np.array([1e-44, 3.0, -0.1], "float32")
    np.testing.assert_allclose(quantize._rounded(array, 7), array, 0.3)
