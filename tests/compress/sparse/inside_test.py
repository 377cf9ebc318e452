"""Zeros inside of attention and of blocks run sparse; open sizes are closed."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tests.ops import problems
from tfprune import ops
from tfprune.graph import traversal
from tfprune.ops import library

compiled = pytest.mark.skipif(library.load().ops is None, reason=ops.describe())
pytestmark = pytest.mark.usefixtures("sparse_is_faster")
WIDTH, LENGTH = 32, 6


def pruned(model):
    for variable in model.variables:
        if len(variable.shape) > 1 and "kernel" in variable.name:
            flat = problems.sparse(1, np.prod(variable.shape), 0.8)
            variable.assign(flat.reshape(variable.shape))
    return model


def encoder(length=LENGTH, **how):
    x = inputs = keras.Input((length, WIDTH))
    for _ in range(2):
        attention = layers.MultiHeadAttention(4, 8)
        x = layers.LayerNormalization()(x + attention(x, x, **how))
        x = x + layers.Dense(WIDTH)(layers.Dense(64, "gelu")(x))
    return keras.Model(inputs, x)


def grouped():
    inputs = keras.Input((LENGTH, WIDTH))
    attention = layers.GroupQueryAttention(8, 4, 2)
    return keras.Model(inputs, attention(inputs, inputs) + inputs)


def cross():
    inputs = keras.Input((LENGTH, WIDTH)), keras.Input((LENGTH + 2, WIDTH))
    attention = layers.MultiHeadAttention(4, 8, value_dim=5, output_shape=7)
    return keras.Model(inputs, attention(*inputs))


class Block(layers.Layer):
    """A block as users write them."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.attention = layers.MultiHeadAttention(2, 16)
        self.dense = layers.Dense(WIDTH, "relu")

    def build(self, shape):
        self.attention.build(shape, shape)
        self.dense.build(shape)

    def call(self, x):
        return self.dense(x + self.attention(x, x, use_causal_mask=True))


def blocks():
    inputs = keras.Input((LENGTH, WIDTH))
    return keras.Model(inputs, Block()(Block()(inputs)))


MODELS = {
    "encoder": (encoder, 12),
    "causal": (lambda: encoder(use_causal_mask=True), 12),
    "grouped": (grouped, 4),
    "cross": (cross, 4),
    "open": (lambda: encoder(None), 12),
    "block": (blocks, 10),
}


def examples(model, length=LENGTH):
    rng = np.random.default_rng(0)
    found = [
        rng.normal(size=(3, x.shape[1] or length, WIDTH)).astype("float32")
        for x in model.inputs
    ]
    return found if len(found) > 1 else found[0]


@compiled
@pytest.mark.parametrize("name", MODELS)
def test_projections_run_sparse(name, tmp_path):
    make, count = MODELS[name]
    model = pruned(make())
    found = tfprune.sparsify(model)
    assert [x.chosen for x in found.decisions] == ["sparse"] * count
    addresses = [x.layer for x in found.decisions]
    assert len(set(addresses)) == count
    kinds = [type(x).__name__ for x in traversal.walk(found.model)]
    assert "EinsumDense" not in kinds and "Dense" not in kinds
    x = examples(model)
    expected = model.predict(x, verbose=0)
    np.testing.assert_allclose(
        found.model.predict(x, verbose=0), expected, rtol=1e-4, atol=1e-4
    )
    found.model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(
        again.predict(x, verbose=0), expected, rtol=1e-4, atol=1e-4
    )


@compiled
def test_a_model_of_open_sizes_takes_others_than_it_was_timed_on():
    model = pruned(encoder(None))
    found = tfprune.sparsify(model, shapes=[(5, WIDTH)])
    assert found.shapes == [(5, WIDTH)]
    assert "(5, 32)" in str(found)
    for length in (1, 5, 9):
        x = examples(model, length)
        np.testing.assert_allclose(
            found.model.predict(x, verbose=0),
            model.predict(x, verbose=0),
            rtol=1e-4,
            atol=1e-4,
        )


def test_open_sizes_have_a_default():
    inputs = keras.Input((None, None, 3))
    model = pruned(keras.Model(inputs, layers.Conv2D(4, 3)(inputs)))
    assert tfprune.sparsify(model).shapes == [(32, 32, 3)]


@pytest.mark.parametrize(
    "shapes", [[(5,)], [(5, WIDTH), (5, WIDTH)], [(5, 7)], [(None, WIDTH)], []]
)
def test_shapes_that_are_none_of_the_inputs(shapes):
    message = rf"`shapes` must be like those of inputs: \(None, {WIDTH}\)"
    with pytest.raises(ValueError, match=message):
        tfprune.sparsify(pruned(encoder(None)), shapes=shapes)


def test_one_shape_stands_for_a_list_of_it():
    model = pruned(encoder(None))
    assert tfprune.sparsify(model, shapes=(5, WIDTH)).shapes == [(5, WIDTH)]


def test_what_masks_of_keras_reach_stays_as_it_is():
    tokens = keras.Input((LENGTH,), dtype="int32")
    x = layers.Embedding(9, WIDTH, mask_zero=True)(tokens)
    x = layers.MultiHeadAttention(4, 8)(x, x)
    model = pruned(keras.Model(tokens, layers.Dense(3)(x)))
    found = tfprune.sparsify(model)
    kinds = [type(x).__name__ for x in found.model.layers]
    assert "MultiHeadAttention" in kinds
    tokens = np.array([[1, 2, 3, 0, 0, 0], [4, 5, 6, 7, 8, 0]])
    np.testing.assert_allclose(
        found.model.predict(tokens, verbose=0),
        model.predict(tokens, verbose=0),
        rtol=1e-4,
        atol=1e-4,
    )


def test_dense_attention_stays_an_attention():
    found = tfprune.sparsify(encoder())
    kinds = [type(x).__name__ for x in found.model.layers]
    assert kinds.count("MultiHeadAttention") == 2
