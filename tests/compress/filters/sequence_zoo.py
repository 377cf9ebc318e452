"""Small models of sequences for `zoo`: attention, blocks, recurrent layers."""

import keras
from keras import layers
from keras import ops


def attention():
    """Heads, what queries and keys share, values, and what it gives."""
    x = keras.Input((5, 7))
    y = layers.MultiHeadAttention(4, 3, value_dim=5)(x, x)
    return keras.Model(x, layers.Dense(2)(y))


def cross_attention():
    x, other = keras.Input((5, 7)), keras.Input((6, 4))
    key, value = layers.Dense(6)(other), layers.Dense(5)(other)
    y = layers.MultiHeadAttention(3, 4, use_bias=False, output_shape=8)(
        layers.Dense(6)(x), value, key=key, use_causal_mask=True
    )
    return keras.Model([x, other], layers.Dense(2)(y))


def grouped_query_attention():
    """Heads of queries go with those of keys and values that they read."""
    x = keras.Input((5, 7))
    y = layers.GroupQueryAttention(4, 6, 3)(x, x)
    return keras.Model(x, layers.Dense(2)(layers.Add()([x, y])))


def transformer():
    """One block; what normalizations pass on with a mask stays."""
    words = keras.Input((6,), dtype="int32")
    x = layers.Embedding(2, 8, mask_zero=True)(words)
    x = layers.LayerNormalization()(x)
    y = layers.MultiHeadAttention(2, 4)(x, x)
    x = layers.LayerNormalization()(layers.Add()([x, y]))
    y = layers.Dense(8)(layers.Dense(12, "gelu")(x))
    return keras.Model(words, layers.Dense(3)(layers.Add()([x, y])))


def recurrent_layers():
    x = keras.Input((5, 3))
    y = layers.LSTM(6, return_sequences=True)(x)
    y = layers.GRU(5, return_sequences=True, go_backwards=True)(y)
    y = layers.GRU(4, return_sequences=True, reset_after=False)(y)
    y = layers.SimpleRNN(7, use_bias=False)(y)
    return keras.Model(x, layers.Dense(2)(y))


def pre_norm():
    x = keras.Input((5, 3))
    y = layers.Dense(6)(x)
    z = layers.Dense(8, "relu")(layers.LayerNormalization(center=False)(y))
    y = layers.Add()([y, layers.Dense(6)(z)])
    z = layers.Dense(7, "silu")(layers.RMSNormalization()(y))
    y = layers.Add()([y, layers.Dense(6)(z)])
    return keras.Model(x, layers.Dense(2)(layers.LayerNormalization()(y)))


def padded_norm():
    """As it is left where channels of a normalization are gone."""
    x = keras.Input((5, 3))
    y = ops.pad(layers.Dense(6)(x), [[0, 0], [0, 0], [0, 2]])
    y = layers.LayerNormalization()(y)[..., :6]
    return keras.Model(x, layers.Dense(2)(y))


def tied():
    """The table of the tokens, backwards, tells which comes next."""
    words = keras.Input((6,), dtype="int32")
    table = layers.ReversibleEmbedding(5, 8)
    x = table(words)
    y = layers.Dense(8)(layers.Dense(4, "gelu")(layers.RMSNormalization()(x)))
    return keras.Model(words, table(layers.Add()([x, y]), reverse=True))


def untied():
    words = keras.Input((6,), dtype="int32")
    table = layers.ReversibleEmbedding(5, 8, tie_weights=False)
    return keras.Model(words, table(table(words), reverse=True))


def heads_by_einsum():
    """Groups of queries with keys and values of their own."""
    x = keras.Input((5, 7))
    query = layers.EinsumDense("btd,dnh->btnh", (5, 4, 3), bias_axes="nh")(x)
    key, value = (
        layers.EinsumDense("bsd,kdh->bskh", (5, 2, 3))(x) for _ in range(2)
    )
    query = ops.reshape(query, (-1, 5, 2, 2, 3))
    scores = ops.einsum("btkgh,bskh->bkgts", query, key) * 0.5
    weights = layers.Softmax()(scores)
    y = ops.einsum("bkgts,bskh->btkgh", weights, value)
    y = ops.reshape(y, (-1, 5, 4, 3))
    y = layers.EinsumDense("btnh,nhd->btd", (None, 6), bias_axes="d")(y)
    return keras.Model(x, layers.Dense(2)(y))


def heads_by_reshape():
    x = keras.Input((5, 7))
    query, key, value = (
        ops.transpose(
            layers.Reshape((5, 4, 2))(layers.Dense(8)(x)), (0, 2, 1, 3)
        )
        for _ in range(3)
    )
    scores = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2)))
    y = ops.matmul(ops.softmax(scores), value)
    y = layers.Reshape((5, 8))(ops.transpose(y, (0, 2, 1, 3)))
    return keras.Model(x, layers.Dense(2)(y))


def wide_heads():
    """What is in a head is more than there are of them."""
    x = keras.Input((5, 7))
    query, key, value = (
        ops.transpose(
            layers.Reshape((5, 2, 6))(layers.Dense(12)(x)), (0, 2, 1, 3)
        )
        for _ in range(3)
    )
    scores = ops.einsum("bnqd,bnkd->bnqk", query, key)
    y = ops.einsum("bnqk,bnkd->bqnd", ops.softmax(scores), value)
    return keras.Model(x, layers.Dense(2)(layers.Reshape((5, 12))(y)))


def gated():
    """Kernels that are equations, as those of gated feed-forward layers."""
    x = keras.Input((5, 7))
    gate = layers.EinsumDense("btd,df->btf", (None, 6), activation="gelu")(x)
    y = gate * layers.EinsumDense("...d,df->...f", 6, bias_axes="f")(x)
    return keras.Model(x, layers.EinsumDense("btf,fd->btd", (None, 4))(y))


ZOO = {
    "attention": (attention, 4 + 3 + 5 + 7),
    "cross attention": (cross_attention, 6 + 6 + 5 + 3 + 4 + 4 + 8),
    "grouped query attention": (grouped_query_attention, 3 + 4),
    "transformer": (transformer, 2 + 4 + 4 + 12),
    "recurrent layers": (recurrent_layers, 6 + 5 + 4 + 7),
    "pre-norm": (pre_norm, 6 + 8 + 7),
    "padded norm": (padded_norm, 6),
    "tied": (tied, 8 + 4),
    "untied": (untied, 8),
    "heads by einsum": (heads_by_einsum, 2 + 6),
    "heads by reshape": (heads_by_reshape, 4),
    "wide heads": (wide_heads, 2),
    "gated": (gated, 6),
}
