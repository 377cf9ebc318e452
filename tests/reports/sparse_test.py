"""What is left of layers that store no zeros, beside dense ones with zeros."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune.reports import report

RANDOM = np.random.default_rng(0)


def sparse(layer, share=0.8):
    """The layer, with a share of zeros in its kernel."""
    kernel = layer.kernel.numpy()
    kernel[RANDOM.random(kernel.shape) < share] = 0
    layer.kernel.assign(kernel)
    return layer


def same(x, dense, kind):
    """Reports of models of one layer, dense and sparse."""
    y = dense(x)
    sparse(dense)
    if getattr(dense, "bias", None) is not None:
        dense.bias.assign(dense.bias + 1)
    return [
        report(keras.Model(x, y)).total,
        report(keras.Model(x, kind.from_dense(dense)(x))).total,
    ]


@pytest.mark.parametrize(
    "dense, kind",
    [
        (layers.Conv2D(8, 3, padding="same"), "SparseConv2D"),
        (layers.Conv2D(8, 3, 2, groups=2, use_bias=False), "SparseConv2D"),
        (layers.Dense(8), "SparseDense"),
    ],
)
def test_numbers_are_those_of_the_dense_layer(dense, kind):
    x = keras.Input((12, 10, 4))
    one, other = same(x, dense, getattr(tfprune.layers, kind))
    for name in ("parameters", "kept", "weights_kept", "macs", "macs_kept"):
        assert getattr(one, name) == getattr(other, name), name
    assert one.weight_sparsity == other.weight_sparsity > 0.7
    assert one.bytes == other.bytes


def test_winograd_layers_count_coefficients():
    x = keras.Input((12, 10, 4))
    dense = tfprune.layers.WinogradConv2D(8, 3)
    kind = tfprune.layers.SparseWinogradConv2D
    one, other = same(x, dense, kind)
    assert (one.macs, one.macs_kept) == (other.macs, other.macs_kept)


def test_a_sparsified_model_tells_what_it_saves():
    x = keras.Input((16,))
    model = keras.Sequential([x, layers.Dense(32), layers.Dense(4)])
    sparse(model.layers[0], 0.95), sparse(model.layers[1], 0.95)
    found = report(tfprune.sparsify(model, rounds=1).model)
    assert found.total.macs == 16 * 32 + 32 * 4
    assert found.mac_reduction > 10 and found.compression > 5
