"""Kinds of layers, wrapped: the forward pass and a step of training."""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

import tfprune
from tfprune import methods

HALF = methods.Magnitude(0.5, frequency=1)

pytestmark = pytest.mark.filterwarnings("ignore:.*skips these layers")


def tokens(x):
    return ops.cast(ops.abs(x[..., 0]) * 3, "int32")


def rnn_with_mask(rnn):
    def call(x):
        words = layers.Embedding(9, 4, mask_zero=True, name="words")
        return rnn(words(tokens(x)))

    return call


def attention(**kwargs):
    def call(x):
        layer = layers.MultiHeadAttention(2, 4, dropout=0.0, name="layer")
        tensors = {k: v(x) if callable(v) else v for k, v in kwargs.items()}
        return layer(x, x, **tensors)

    return call


# name to (input shape, input tensor -> output of the layer named "layer").
LAYERS = {
    "dense": ((6, 4), layers.Dense(5, "relu", name="layer")),
    "conv_1d": ((8, 4), layers.Conv1D(6, 3, name="layer")),
    "conv_2d_transpose": (
        (5, 5, 4),
        layers.Conv2DTranspose(6, 3, name="layer"),
    ),
    "depthwise": (
        (5, 5, 4),
        layers.DepthwiseConv2D(3, depth_multiplier=2, name="layer"),
    ),
    "separable": ((5, 5, 4), layers.SeparableConv2D(6, 3, name="layer")),
    "einsum": (
        (6, 4),
        layers.EinsumDense(
            "abc,cd->abd", (None, 6), bias_axes="d", name="layer"
        ),
    ),
    "embedding": (
        (6, 4),
        lambda x: layers.Embedding(9, 5, name="layer")(tokens(x)),
    ),
    "lstm": ((6, 4), layers.LSTM(5, return_sequences=True, name="layer")),
    "lstm_with_state": (
        (6, 4),
        lambda x: layers.LSTM(4, name="layer")(
            x, initial_state=[x[:, 0], x[:, 1]]
        ),
    ),
    "gru_with_mask": ((6, 4), rnn_with_mask(layers.GRU(5, name="layer"))),
    "lstm_with_mask": (
        (6, 4),
        lambda x: layers.LSTM(5, name="layer")(
            layers.Masking()(x * ops.cast(x[..., :1] > 0, "float32"))
        ),
    ),
    "bidirectional": (
        (6, 4),
        rnn_with_mask(layers.Bidirectional(layers.LSTM(3), name="layer")),
    ),
    "time_distributed": (
        (6, 4),
        layers.TimeDistributed(layers.Dense(5), name="layer"),
    ),
    "attention": ((6, 4), attention()),
    "causal_attention": ((6, 4), attention(use_causal_mask=True)),
    "masked_attention": (
        (6, 4),
        attention(
            attention_mask=lambda x: ops.matmul(x, ops.swapaxes(x, 1, 2)) > 0
        ),
    ),
}
# The others run eagerly, which is faster to test.
IN_GRAPH = ("lstm_with_mask", "embedding", "causal_attention")
every_layer = pytest.mark.parametrize("kind", LAYERS)


def net(kind):
    shape, layer = LAYERS[kind]
    if isinstance(layer, layers.Layer):
        layer = type(layer).from_config(layer.get_config())
    inputs = keras.Input(shape)
    return keras.Model(inputs, layer(inputs))


def compile_(model, **kwargs):
    optimizer = tfprune.PruningOptimizer(keras.optimizers.SGD(0.1))
    model.compile(optimizer, "mse", **kwargs)


def batch(model):
    shape = (4, *model.inputs[0].shape[1:])
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    return x, np.ones_like(model(x))


def set_random_masks(model, plain):
    """Sets masks, and zeros in the plain model in their place."""
    random = np.random.default_rng(1)
    masks = {
        id(target.variable): target.mask
        for target in model.get_layer("layer").pruning_units[0].targets
    }
    pairs = zip(
        model.get_layer("layer").layer.variables,
        plain.get_layer("layer").variables,
        strict=True,
    )
    for variable, twin in pairs:
        if id(variable) in masks:
            mask = random.random(variable.shape) < 0.6
            masks[id(variable)].assign(mask)
            twin.assign(np.where(mask, variable.numpy(), 0))


def close(one, other):
    """Equal but for the order of sums, which memory alignment decides."""
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)


@every_layer
def test_masked_forward_is_the_forward_with_zeroed_weights(kind, tmp_path):
    plain = net(kind)
    model = tfprune.prune(plain, HALF, filters="layer", wrap=True)
    x, _ = batch(plain)
    dense = model(x)
    close(dense, plain(x))
    set_random_masks(model, plain)
    close(model(x), plain(x))
    assert np.abs(model(x) - dense).max() > 1e-4
    model.save(tmp_path / "model.keras")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    close(reloaded(x), plain(x))


@every_layer
def test_training_prunes_and_moves_the_rest(kind):
    model = tfprune.prune(net(kind), HALF, filters="layer", wrap=True)
    compile_(model, run_eagerly=kind not in IN_GRAPH)
    layer = model.get_layer("layer")
    (unit,) = layer.pruning_units
    before = [target.variable.numpy() for target in unit.targets]
    x, y = batch(model)
    model.fit(x, y, verbose=0)
    for target, old in zip(unit.targets, before, strict=True):
        mask, new = target.mask.numpy(), target.variable.numpy()
        assert not mask.all() and not new[~mask].any()
        assert np.any(new[mask] != old[mask])
