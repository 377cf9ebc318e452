"""A small model around each layer of Keras that has a kernel."""

import dataclasses
import typing

import keras
import numpy as np
from keras import layers


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a kind is built.

    Args:
        build: Callable that gives a model.
        share: Float, the least share of the parameters that gets masks.
        words: Integer or None: inputs are numbers below it.
        is_slow: Bool.
    """

    build: typing.Callable
    share: float = 0.75
    words: int | None = None
    is_slow: bool = False

    def inputs(self, model):
        """Arrays as the model takes them, of four examples."""
        rng = np.random.default_rng(0)

        def fill(shape, dtype):
            shape = [4, *(size or 6 for size in shape[1:])]
            if self.words:
                return rng.integers(1, self.words, shape).astype(dtype)
            return rng.normal(size=shape).astype(dtype)

        if hasattr(self.build, "input_shape"):
            return fill(self.build.input_shape, "float32")
        return keras.tree.map_structure(
            lambda x: fill(x.shape, x.dtype), model.input
        )


def _around(make, *shape, twice=False, **kwargs):
    """A recipe of one layer, between inputs and outputs."""

    def build():
        dtype = "int32" if "words" in kwargs else "float32"
        x = keras.Input(shape, dtype=dtype)
        layer = make()
        return keras.Model(x, layer(x, x) if twice else layer(x))

    return Recipe(build, **kwargs)


def _cells():
    return [layers.GRUCell(3), layers.LSTMCell(4)]


RECIPES = {
    "Bidirectional": _around(
        lambda: layers.Bidirectional(layers.LSTM(4)), 5, 3
    ),
    "Conv1D": _around(lambda: layers.Conv1D(4, 3), 6, 2),
    "Conv1DTranspose": _around(lambda: layers.Conv1DTranspose(4, 3), 6, 2),
    "Conv2D": _around(lambda: layers.Conv2D(4, 3), 6, 6, 2),
    "Conv2DTranspose": _around(lambda: layers.Conv2DTranspose(4, 3), 5, 5, 2),
    "Conv3D": _around(lambda: layers.Conv3D(4, 2), 4, 4, 4, 2),
    "Conv3DTranspose": _around(
        lambda: layers.Conv3DTranspose(4, 2), 3, 3, 3, 2
    ),
    "ConvLSTM1D": _around(
        lambda: layers.ConvLSTM1D(3, 2), 3, 5, 2, is_slow=True
    ),
    "ConvLSTM2D": _around(lambda: layers.ConvLSTM2D(3, 2), 3, 4, 4, 2),
    "ConvLSTM3D": _around(
        lambda: layers.ConvLSTM3D(2, 2), 2, 3, 3, 3, 2, is_slow=True
    ),
    "Dense": _around(lambda: layers.Dense(4), 8),
    "DepthwiseConv1D": _around(lambda: layers.DepthwiseConv1D(3), 6, 4),
    "DepthwiseConv2D": _around(lambda: layers.DepthwiseConv2D(3), 6, 6, 4),
    "EinsumDense": _around(
        lambda: layers.EinsumDense("abc,cde->abde", (None, 2, 3)), 4, 6
    ),
    "Embedding": _around(lambda: layers.Embedding(10, 4), 5, words=10),
    "GRU": _around(lambda: layers.GRU(4), 5, 3),
    "GRUCell": _around(
        lambda: layers.RNN(layers.GRUCell(4)), 5, 3, is_slow=True
    ),
    "GroupedQueryAttention": _around(
        lambda: layers.GroupQueryAttention(3, 4, 2), 5, 6, twice=True
    ),
    "LSTM": _around(lambda: layers.LSTM(4), 5, 3),
    "LSTMCell": _around(
        lambda: layers.RNN(layers.LSTMCell(4)), 5, 3, is_slow=True
    ),
    "MultiHeadAttention": _around(
        lambda: layers.MultiHeadAttention(2, 3), 5, 6, twice=True
    ),
    "RNN": _around(lambda: layers.RNN(layers.SimpleRNNCell(4)), 5, 3),
    "ReversibleEmbedding": _around(
        lambda: layers.ReversibleEmbedding(10, 4), 5, words=10
    ),
    "SeparableConv1D": _around(lambda: layers.SeparableConv1D(4, 3), 6, 2),
    "SeparableConv2D": _around(lambda: layers.SeparableConv2D(4, 3), 6, 6, 2),
    "SimpleRNN": _around(lambda: layers.SimpleRNN(4), 5, 3),
    "SimpleRNNCell": _around(
        lambda: layers.RNN(layers.SimpleRNNCell(4), return_sequences=True),
        5,
        3,
        is_slow=True,
    ),
    "SpectralNormalization": _around(
        lambda: layers.SpectralNormalization(layers.Dense(4)), 8
    ),
    "StackedRNNCells": _around(
        lambda: layers.RNN(_cells()), 5, 3, is_slow=True
    ),
    "TimeDistributed": _around(
        lambda: layers.TimeDistributed(layers.Dense(4)), 5, 6
    ),
}

# Layers that build, and why there is nothing to prune in them.
WITHOUT_KERNEL = {
    **dict.fromkeys(
        (
            "Add Average Concatenate Dot Maximum Minimum Multiply Subtract"
        ).split(),
        "it merges",
    ),
    **dict.fromkeys(
        (
            "BatchNormalization GroupNormalization LayerNormalization "
            "Normalization PReLU RMSNormalization"
        ).split(),
        "its weights scale and shift",
    ),
    **dict.fromkeys(
        "AugMix RandAugment RandomColorJitter TextVectorization".split(),
        "it prepares data",
    ),
    "AdditiveAttention": "its weight is a vector",
    "Attention": "its weight is a number",
    "FlaxLayer": "it runs in JAX",
    "JaxLayer": "it runs in JAX",
    "STFTSpectrogram": "its kernels are constants",
    "Wrapper": "what it wraps has them",
}
