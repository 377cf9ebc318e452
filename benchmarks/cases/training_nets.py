"""The nets whose training is measured, by name."""

from __future__ import annotations

import keras
import numpy as np

from tfprune import applications

LAYERS = keras.layers
_BLOCKS, _WIDTH, _HEADS, _LENGTH = 6, 256, 4, 64


def build(name: str) -> keras.Model:
    """Returns a net that answers with logits; the same weights every time.

    Args:
        name: String, key of `NETS` or of `tfprune.applications.MODELS`.
    """
    if name not in NETS:
        return applications.build(name, seed=0)
    keras.utils.set_random_seed(0)
    return NETS[name]()


def batches(model: keras.Model, count: int, size: int) -> tuple:
    """Returns random inputs, integers below 256, and labels below 10.

    Args:
        model: Keras model of one input.
        count: Integer, batches.
        size: Integer, examples in each.

    Returns:
        Two arrays, `(count, size, ...)` and `(count, size)`.
    """
    rng = np.random.default_rng(0)
    (given,) = model.inputs
    inputs = rng.integers(0, 256, (count, size, *given.shape[1:]))
    return inputs.astype(given.dtype), rng.integers(0, 10, (count, size))


def _resnet_50():
    return keras.applications.ResNet50(
        weights=None, input_shape=(96, 96, 3), classifier_activation=None
    )


def _mobilenet_v2():
    return keras.applications.MobileNetV2(
        weights=None, input_shape=(96, 96, 3), classifier_activation=None
    )


def _transformer():
    """An encoder of 64 tokens, width 256, and a classifier."""
    tokens = keras.Input((_LENGTH,), dtype="int32")
    x = LAYERS.Embedding(256, _WIDTH)(tokens)
    for _ in range(_BLOCKS):
        attention = LAYERS.MultiHeadAttention(_HEADS, _WIDTH // _HEADS)
        x = LAYERS.LayerNormalization()(x + attention(x, x))
        hidden = LAYERS.Dense(4 * _WIDTH, activation="relu")(x)
        x = LAYERS.LayerNormalization()(x + LAYERS.Dense(_WIDTH)(hidden))
    x = LAYERS.GlobalAveragePooling1D()(x)
    return keras.Model(tokens, LAYERS.Dense(10)(x))


NETS = {
    "resnet_50": _resnet_50,
    "mobilenet_v2": _mobilenet_v2,
    "transformer": _transformer,
}
