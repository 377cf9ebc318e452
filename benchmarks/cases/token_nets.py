"""Nets on tokens whose inference is measured, with random weights and zeros."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

from benchmarks.cases import sentence_encoder

# Words are looked up: those of GPT-2 would take memory, and no more time.
WORDS, _PLACES = 5000, 1024
_BLOCKS, _WIDTH, _HEADS = 6, 768, 12


def decoder() -> keras.Model:
    """A decoder like GPT-2, of 6 layers: tokens to the state of the last."""
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    places = keras.ops.cumsum(keras.ops.ones_like(tokens), axis=1) - 1
    x = layers.Embedding(WORDS, _WIDTH, name="words")(tokens)
    x = x + layers.Embedding(_PLACES, _WIDTH, name="places")(places)
    for number in range(_BLOCKS):
        y = layers.LayerNormalization(name=f"norm_{number}")(x)
        attention = layers.MultiHeadAttention(
            _HEADS, _WIDTH // _HEADS, name=f"attention_{number}"
        )
        x = x + attention(y, y, use_causal_mask=True)
        y = layers.LayerNormalization(name=f"wide_norm_{number}")(x)
        y = layers.Dense(4 * _WIDTH, name=f"wide_{number}")(y)
        y = keras.ops.gelu(y, approximate=True)
        x = x + layers.Dense(_WIDTH, name=f"narrow_{number}")(y)
    last = layers.LayerNormalization(name="norm")(x)[:, -1]
    return keras.Model(tokens, last, name="decoder")


# Name to what builds a net, and the lengths that it is measured at.
NETS = {
    "MiniLM": (
        sentence_encoder.untrained,
        (16, 128, sentence_encoder.PLACES),
    ),
    "GPT-2, 6 layers": (decoder, (16, 128, _PLACES)),
}


def pruned(name: str, sparsity: float) -> keras.Model:
    """Returns a net whose kernels have zeros, where they fall.

    Args:
        name: String, key of `NETS`.
        sparsity: Float, of each kernel.
    """
    keras.utils.set_random_seed(0)
    model = NETS[name][0]()
    rng = np.random.default_rng(0)
    for variable in model.variables:
        if variable.name == "kernel":
            keep = rng.random(variable.shape) >= sparsity
            variable.assign(variable * keep)
    return model


def inputs(model: keras.Model, length: int) -> dict:
    """Tokens and, where a net takes one, their mask: name to array.

    Args:
        model: Keras model, of `NETS`.
        length: Integer, of the one sequence.
    """
    words = np.random.default_rng(1).integers(0, WORDS, (1, length))
    names = [x.name for x in model.inputs]
    given = {"tokens": words, "mask": np.ones((1, length))}
    return {name: given[name].astype("int32") for name in names}
