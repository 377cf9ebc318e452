"""Filters that become zero at once."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune.compress.filters import remove
from tfprune.compress.filters import zero


def net():
    return keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(4, name="first"),
            layers.Dense(6, name="second"),
            layers.Dense(1, name="last"),
        ]
    )


def zeros(model, name):
    columns = model.get_layer(name).kernel.numpy()
    return np.count_nonzero(~columns.any(axis=0))


def test_each_layer_has_its_share():
    zeroed = zero.zero_filters(net(), {"first": 0.5, "second": 0.9})
    assert [zeros(zeroed, x) for x in ("first", "second", "last")] == [2, 5, 0]


def test_zeroed_filters_are_the_least():
    dense = [keras.Input((2,)), layers.Dense(4), layers.Dense(1)]
    model = keras.Sequential(dense)
    kernel = np.array([[1, 5, 2, 3], [1, 5, 4, 1]])
    model.layers[0].kernel.assign(kernel)
    zeroed = zero.zero_filters(model, 0.5)
    columns = np.any(zeroed.layers[0].kernel.numpy(), axis=0)
    np.testing.assert_array_equal(columns, [False, True, True, False])
    np.testing.assert_array_equal(model.layers[0].kernel, kernel)


@pytest.mark.parametrize(
    ("sparsity", "message"),
    [
        ({"firts": 0.5}, "Did you mean"),
        ({"first": 1.0}, r"sparsity\['first'\]` must"),
    ],
)
def test_shares_of_layers_that_are_wrong(sparsity, message):
    with pytest.raises(ValueError, match=message):
        zero.zero_filters(net(), sparsity)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_named(wrong):
    """A norm of NaN would let the largest filters go."""
    model = net()
    kernel = model.get_layer("second").kernel.numpy()
    kernel[1, 2] = wrong
    model.get_layer("second").kernel.assign(kernel)
    for verb in (zero.zero_filters, tfprune.remove_filters, tfprune.sparsify):
        with pytest.raises(ValueError, match="in .*second/kernel. Load"):
            verb(model)
    tfprune.prune(model, "magnitude")
    with pytest.raises(ValueError, match="in .*second/kernel. Load"):
        tfprune.decide(model)


def test_heads_alone_go_by_the_name_of_their_number():
    x = keras.Input((5, 6))
    y = layers.MultiHeadAttention(4, 3, name="attention")(x, x)
    model = keras.Model(x, layers.Dense(2)(y))
    small = remove.remove_filters(
        zero.zero_filters(model, {"attention/num_heads": 0.5})
    ).model
    config = small.get_layer("attention").get_config()
    assert (config["num_heads"], config["key_dim"]) == (2, 3)
    assert config["output_shape"] == (6,)
    with pytest.raises(ValueError, match="attention/num_heads"):
        zero.zero_filters(model, {"attention/heads": 0.5})
