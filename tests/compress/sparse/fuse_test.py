"""Additions that become part of sparse convolutions."""

import keras
import numpy as np
import pytest
from keras import layers

from tfprune.compress.sparse import fuse
from tfprune.graph import model_graph
from tfprune.graph import traversal
from tfprune.layers import SparseConv2D


def sparse(name, filters=4, channels=4, **how):
    conv = layers.Conv2D(filters, 3, padding="same", name=name, **how)
    conv.build((None, 6, 6, channels))
    rng = np.random.default_rng(len(name))
    kernel = rng.normal(size=conv.kernel.shape)
    conv.kernel.assign(kernel * (rng.random(kernel.shape) < 0.3))
    conv.bias.assign(rng.normal(size=filters))
    return SparseConv2D.from_dense(conv)


def predict(model):
    x = np.random.default_rng(0).normal(size=(3, 6, 6, 4)).astype("float32")
    return model.predict(x, verbose=0)


def check(model, left):
    fused = fuse.fuse(model_graph.ModelGraph(model))
    kinds = [type(layer).__name__ for layer in traversal.leaves(fused)]
    assert sorted(kinds) == sorted(left)
    np.testing.assert_allclose(
        predict(fused), predict(model), rtol=1e-4, atol=1e-4
    )
    return fused


def block(x, name, after=None, turned=False):
    """A residual block; its addition may have its terms in either order."""
    y = sparse(f"{name}_a")(x)
    y = sparse(f"{name}_b")(y)
    y = layers.Add(name=f"{name}_add")([y, x] if turned else [x, y])
    return after(y) if after else y


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    "after", [None, layers.ReLU, lambda: layers.Activation("relu6")]
)
def test_blocks(after, turned, tmp_path):
    x = y = keras.Input((6, 6, 4))
    for name in ("one", "two"):
        y = block(y, name, after and after(), turned)
    model = keras.Model(x, y)
    fused = check(model, ["InputLayer"] + ["SparseConv2D"] * 4)
    fused.save(tmp_path / "fused.keras")
    again = keras.saving.load_model(tmp_path / "fused.keras")
    np.testing.assert_allclose(predict(again), predict(fused))
    fused.export(tmp_path / "fused", verbose=False)


def test_one_of_two_convolutions_takes_the_other():
    x = keras.Input((6, 6, 4))
    y = layers.Add()([sparse("left")(x), sparse("right")(x)])
    model = keras.Model(x, layers.ReLU()(y))
    check(model, ["InputLayer", "SparseConv2D", "SparseConv2D"])


def test_what_others_take_stays():
    x = keras.Input((6, 6, 4))
    y = sparse("used_twice")(x)
    model = keras.Model(x, [layers.Add()([x, y]), y])
    assert fuse.fuse(model_graph.ModelGraph(model)) is model
    shared = sparse("called_twice")
    y = layers.Add()([shared(x), shared(shared(x))])
    model = keras.Model(x, y)
    assert fuse.fuse(model_graph.ModelGraph(model)) is model


def test_activations_of_their_own_and_others_stay():
    x = keras.Input((6, 6, 4))
    y = layers.Add()([x, sparse("relu", activation="relu")(x)])
    assert (
        fuse.fuse(model_graph.ModelGraph(model := keras.Model(x, y))) is model
    )
    y = layers.Add()([x, sparse("tanh")(x)])
    model = keras.Model(x, layers.Activation("tanh")(y))
    check(model, ["InputLayer", "SparseConv2D", "Activation"])


def test_additions_of_other_shapes_or_numbers_stay():
    x = keras.Input((6, 6, 4))
    row = keras.Input((1, 1, 4))
    y = layers.Add()([row, sparse("broadcast")(x)])
    assert (
        fuse.fuse(model_graph.ModelGraph(model := keras.Model([x, row], y)))
        is model
    )
    any_size = keras.Input((None, None, 4))
    y = layers.Add()([any_size, sparse("any")(any_size)])
    assert (
        fuse.fuse(model_graph.ModelGraph(model := keras.Model(any_size, y)))
        is model
    )
    y = layers.Add()([x, x, sparse("three")(x)])
    assert (
        fuse.fuse(model_graph.ModelGraph(model := keras.Model(x, y))) is model
    )


def test_nested_models():
    x = keras.Input((6, 6, 4))
    inner = keras.Model(x, block(x, "inner", layers.ReLU()), name="inner")
    outer = keras.Input((6, 6, 4))
    model = keras.Model(outer, block(inner(outer), "outer"))
    check(model, ["InputLayer"] * 2 + ["SparseConv2D"] * 4)


def test_sequential_models_have_nothing_to_fuse():
    model = keras.Sequential([keras.Input((6, 6, 4)), sparse("one")])
    assert fuse.fuse(model_graph.ModelGraph(model)) is model


def test_models_in_sequential_models():
    x = keras.Input((6, 6, 4))
    inner = keras.Model(x, block(x, "inner", layers.ReLU()))
    model = keras.Sequential([keras.Input((6, 6, 4)), inner])
    check(model, ["InputLayer"] + ["SparseConv2D"] * 2)
    outer = keras.Input((6, 6, 4))
    model = keras.Model(outer, block(model(outer), "outer", layers.ReLU()))
    check(model, ["InputLayer"] * 2 + ["SparseConv2D"] * 4)


def test_what_was_fused_is_not_fused_again():
    x = keras.Input((6, 6, 4))
    once = fuse.fuse(model_graph.ModelGraph(keras.Model(x, block(x, "one"))))
    y = layers.Add()([once.input, once.output])
    assert (
        fuse.fuse(model_graph.ModelGraph(model := keras.Model(once.input, y)))
        is model
    )


def test_operators_and_keywords():
    x = keras.Input((6, 6, 4))
    y = keras.ops.relu(sparse("op")(x) + x)
    y = layers.Add()([keras.ops.abs(y), sparse("conv")(inputs=y)])
    y = layers.Reshape((36, 4))(y)
    y = layers.MultiHeadAttention(1, 4)(query=y, value=y)
    kinds = ["InputLayer", "SparseConv2D", "SparseConv2D", "Reshape"]
    check(keras.Model(x, y), [*kinds, "MultiHeadAttention"])


def test_dtypes_of_their_own_stay():
    x = keras.Input((6, 6, 4))
    y = layers.Add(dtype="float16")([x, sparse("conv")(x)])
    assert (
        fuse.fuse(model_graph.ModelGraph(model := keras.Model(x, y))) is model
    )
    y = layers.Add()([x, sparse("conv")(x)])
    model = keras.Model(x, layers.ReLU(dtype="float16")(y))
    fused = check(model, ["InputLayer", "SparseConv2D", "ReLU"])
    assert fused.outputs[0].dtype == "float16"


def test_a_convolution_of_two_models_is_no_source():
    """Its other call would take the addition, too."""
    conv = sparse("shared")
    first = keras.Input((6, 6, 4))
    inner = keras.Model(first, layers.Add()([conv(first), first]))
    inputs = keras.Input((6, 6, 4))
    model = keras.Model(inputs, [inner(inputs), conv(inputs)])
    assert conv in model_graph.ModelGraph(inner).additions[0].sources
    assert model_graph.ModelGraph(model).additions[0].sources == [None, None]
    fused = fuse.fuse(model_graph.ModelGraph(model))
    for got, want in zip(predict(fused), predict(model), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)
