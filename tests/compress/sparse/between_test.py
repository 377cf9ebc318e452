"""What lies between sparse layers runs in one pass."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tests.ops import problems
from tfprune import ops
from tfprune.graph import traversal
from tfprune.ops import library

pytestmark = [
    pytest.mark.skipif(library.load().ops is None, reason=ops.describe()),
    pytest.mark.usefixtures("sparse_is_faster"),
]
WIDTH = 32


def pruned(model):
    for variable in model.variables:
        if "kernel" in variable.name:
            flat = problems.sparse(1, np.prod(variable.shape), 0.8)
            variable.assign(flat.reshape(variable.shape))
    return model


def net(norm=layers.LayerNormalization, after=None, dropout=0.0, **how):
    x = inputs = keras.Input((None, WIDTH))
    seen = keras.Input((1, None), dtype="bool")
    for _ in range(2):
        attention = layers.MultiHeadAttention(4, 8, dropout=dropout)
        x = norm()(x + attention(x, x, attention_mask=seen, **how))
        y = layers.Dense(64)(x)
        y = after(y) if after else y
        x = x + layers.Dense(WIDTH)(y)
    return keras.Model([inputs, seen], x)


def given(length=7):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(3, length, WIDTH)).astype("float32")
    seen = rng.random((3, 1, length)) < 0.7
    seen[:, :, 0] = True
    return [x, seen]


def check(model):
    """Returns the kinds of what a sparse model is made of."""
    found = tfprune.sparsify(pruned(model)).model
    for length in (2, 7, 20):
        x = given(length)
        np.testing.assert_allclose(
            found.predict(x, verbose=0),
            model.predict(x, verbose=0),
            rtol=1e-3,
            atol=1e-4,
        )
    models = [found, *traversal.walk(found)]
    return found, [
        type(operation).__name__
        for one in models
        if isinstance(one, keras.Model)
        for operation in one.operations
    ]


AFTER = {
    "gelu": lambda x: keras.ops.gelu(x, approximate=False),
    "gelu by tanh": lambda x: keras.ops.gelu(x, approximate=True),
    "silu": keras.ops.silu,
    "relu": keras.ops.relu,
    "layer": lambda x: layers.Activation("gelu")(x),
}


@pytest.mark.parametrize("name", AFTER)
def test_activations_are_part_of_sparse_layers(name):
    found, kinds = check(net(after=AFTER[name]))
    assert not {"Gelu", "Silu", "Relu", "Activation"} & set(kinds)
    wide = [
        layer
        for layer in traversal.leaves(found)
        if isinstance(layer, tfprune.layers.SparseDense) and layer.units == 64
    ]
    assert len(wide) == 2
    assert all(x.activation is not keras.activations.linear for x in wide)


@pytest.mark.parametrize("is_causal", [False, True])
@pytest.mark.parametrize(
    ("norm", "name"),
    [
        (layers.LayerNormalization, "FusedLayerNormalization"),
        (layers.RMSNormalization, "FusedRMSNormalization"),
    ],
)
def test_attention_and_normalizations(norm, name, is_causal):
    _, kinds = check(net(norm, use_causal_mask=is_causal))
    assert kinds.count("FusedAttention") == 2
    assert kinds.count(name) == 2
    assert not {"DotProductAttention", norm.__name__} & set(kinds)


def test_dropout_of_attention_does_nothing():
    _, kinds = check(net(dropout=0.1))
    assert kinds.count("FusedAttention") == 2
    assert "Dropout" not in kinds


def test_what_is_left_between_files(tmp_path):
    found, _ = check(net(after=AFTER["gelu by tanh"]))
    found.save(tmp_path / "net.keras")
    again = keras.saving.load_model(tmp_path / "net.keras")
    x = given()
    np.testing.assert_array_equal(
        again.predict(x, verbose=0), found.predict(x, verbose=0)
    )
    tfprune.export(found, tmp_path / "net", format="saved_model")


def test_an_activation_that_others_take_too_stays():
    inputs = keras.Input((WIDTH,))
    y = layers.Dense(WIDTH)(inputs)
    model = keras.Model(inputs, keras.ops.gelu(y) + y)
    found = tfprune.sparsify(pruned(model)).model
    x = given()[0][:, 0]
    np.testing.assert_allclose(
        found.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-4
    )
    assert "Gelu" in [type(x).__name__ for x in found.operations]


def test_a_net_without_sparse_layers_stays_as_it_is():
    model = net()
    found = tfprune.sparsify(model).model
    kinds = [type(operation).__name__ for operation in found.operations]
    assert not [kind for kind in kinds if kind.startswith("Fused")]


def test_namesakes_stay_as_they_are():
    class DotProductAttention(layers.Layer):
        """As many tutorials have it."""

        def call(self, x):
            return x * 2

    inputs = keras.Input((WIDTH,))
    outputs = DotProductAttention()(layers.Dense(WIDTH)(inputs))
    found = tfprune.sparsify(pruned(keras.Model(inputs, outputs))).model
    kinds = [type(x).__name__ for x in found.layers]
    assert "DotProductAttention" in kinds and "SparseDense" in kinds


def test_a_mask_of_two_axes():
    inputs, seen = keras.Input((7, 4, 8)), np.tri(7, dtype=bool)
    x = layers.EinsumDense("abcd,ed->abce", (None, 4, 8))(inputs)
    x = keras.ops.dot_product_attention(x, x, x, mask=seen)
    model = keras.Model(inputs, layers.Dense(8)(x))
    found = tfprune.sparsify(pruned(model)).model
    assert "FusedAttention" in [type(x).__name__ for x in found.operations]
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 7, 4, 8))
    np.testing.assert_allclose(found(x), model(x), atol=1e-4)


def test_one_normalization_that_is_called_twice():
    inputs = keras.Input((WIDTH,))
    norm = layers.LayerNormalization()
    model = keras.Model(inputs, norm(layers.Dense(WIDTH)(norm(inputs))))
    found = tfprune.sparsify(pruned(model)).model
    x = given()[0][:, 0]
    np.testing.assert_allclose(found(x), model(x), rtol=1e-3, atol=1e-4)
    kinds = [type(x).__name__ for x in found.layers]
    assert kinds.count("FusedLayerNormalization") == 1


def test_grouped_attention_with_dropout():
    inputs = keras.Input((None, WIDTH))
    attention = layers.GroupQueryAttention(8, 4, 2, dropout=0.2)
    model = keras.Model(inputs, attention(inputs, inputs))
    found = tfprune.sparsify(pruned(model)).model
    x = given()[0]
    np.testing.assert_allclose(found(x), model(x), rtol=1e-3, atol=1e-4)
    (inner,) = [x for x in found.layers if isinstance(x, keras.Model)]
    assert "FusedAttention" in [type(x).__name__ for x in inner.operations]
