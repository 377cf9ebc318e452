import keras
import numpy as np
import pytest
from keras import layers

from tfprune.compress.sparse import fold
from tfprune.graph import model_graph
from tfprune.graph import traversal


def randomize(model):
    """Gives every variable, statistics too, a value of its own."""
    rng = np.random.default_rng(0)
    for variable in model.variables:
        if variable.dtype == "float32":
            value = rng.uniform(0.2, 1.2, variable.shape)
            variable.assign(value * rng.choice([-1, 1], variable.shape))
        if "variance" in variable.name:
            variable.assign(np.abs(variable))
    return model


def residual_net():
    """conv-norm-relu, a shortcut that is used twice, a nested model."""
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, padding="same", use_bias=False, name="a")(inputs)
    x = layers.BatchNormalization(name="a_norm")(x)
    x = shortcut = layers.ReLU(name="a_relu")(x)
    x = layers.Conv2D(4, 3, padding="same", name="b")(x)
    x = layers.BatchNormalization(scale=False, name="b_norm")(x)
    x = layers.Add()([x, shortcut])
    x = layers.Activation("relu", name="sum_relu")(x)
    inner = keras.Sequential(
        [
            keras.Input((8, 8, 4)),
            layers.Conv2D(5, 1, groups=1, name="c"),
            layers.ReLU(6.0, name="c_relu"),
        ],
        name="inner",
    )
    x = layers.GlobalAveragePooling2D()(inner(x))
    x = layers.Dense(6, name="d")(x)
    return keras.Model(
        inputs, layers.BatchNormalization(center=False, name="d_norm")(x)
    )


def kinds(model):
    found = {x.name: type(x).__name__ for x in traversal.leaves(model)}
    return {name: kind for name, kind in found.items() if "Input" not in kind}


def compare(model, folded):
    shape = (3, *model.inputs[0].shape[1:])
    x = np.random.default_rng(1).normal(size=shape).astype("float32")
    np.testing.assert_allclose(folded(x), model(x), rtol=1e-4, atol=1e-4)


def test_a_net_with_shortcuts_and_a_nested_model():
    model = randomize(residual_net())
    folded = fold.fold(model_graph.ModelGraph(model))
    compare(model, folded)
    removed = {"a_norm", "a_relu", "b_norm", "d_norm"}
    assert kinds(model).keys() - kinds(folded).keys() == removed
    assert kinds(folded)["c_relu"] == "Identity"
    assert kinds(folded)["sum_relu"] == "Activation"


def test_the_model_itself_is_untouched():
    model = randomize(residual_net())
    before = [np.array(x) for x in model.variables]
    fold.fold(model_graph.ModelGraph(model))
    for old, new in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(
    "head",
    [
        [layers.Conv2D(4, 3, activation="relu"), layers.BatchNormalization()],
        [layers.Conv2D(4, 3), layers.BatchNormalization(axis=1)],
        [layers.Conv2D(4, 3), layers.ReLU(negative_slope=0.1)],
        [layers.Conv2D(4, 3), layers.Activation("tanh")],
        [layers.SeparableConv2D(4, 3), layers.BatchNormalization()],
        [layers.ZeroPadding2D(2), layers.Conv2D(4, 3)],
        [layers.ZeroPadding2D(1), layers.Conv2D(4, 3, padding="same")],
        [layers.ZeroPadding2D(1), layers.Conv2D(4, 3, dilation_rate=2)],
        [layers.ZeroPadding2D(1), layers.MaxPooling2D(3)],
    ],
    ids=[
        "activation between",
        "axis",
        "leaky",
        "tanh",
        "separable",
        "other zeros",
        "padded twice",
        "zeros of too few taps",
        "pooling",
    ],
)
def test_what_cannot_be_folded_stays(head):
    model = randomize(keras.Sequential([keras.Input((6, 6, 4)), *head]))
    folded = fold.fold(model_graph.ModelGraph(model))
    compare(model, folded)
    assert "Identity" not in kinds(folded).values()


def test_a_layer_that_is_used_twice_stays():
    inputs = keras.Input((6, 6, 4))
    conv = layers.Conv2D(4, 3, padding="same")
    x = layers.BatchNormalization()(conv(inputs))
    model = randomize(keras.Model(inputs, conv(x)))
    folded = fold.fold(model_graph.ModelGraph(model))
    compare(model, folded)
    assert kinds(folded).keys() == kinds(model).keys()


def test_what_the_model_returns_stays():
    inputs = keras.Input((6, 6, 4))
    x = layers.Conv2D(4, 3)(inputs)
    model = keras.Model(inputs, [x, layers.ReLU()(x)])
    followers = model_graph.ModelGraph(model).sole_followers
    assert id(model.layers[1]) not in followers
    assert followers[id(model.layers[0])] is model.layers[1]


@pytest.mark.parametrize("multiplier", [1, 3])
@pytest.mark.parametrize("bias", [False, True])
def test_depthwise(multiplier, bias):
    conv = layers.DepthwiseConv2D(
        3, depth_multiplier=multiplier, use_bias=bias, name="conv"
    )
    after = [layers.BatchNormalization(), layers.ReLU(6.0)]
    model = keras.Sequential([keras.Input((6, 6, 4)), conv, *after])
    folded = fold.fold(model_graph.ModelGraph(randomize(model)))
    compare(model, folded)
    found = list(kinds(folded).values())
    assert found == ["DepthwiseConv2D", "Identity", "Identity"]


def test_layers_in_two_models_stay():
    def branch(*inner):
        return keras.Sequential([keras.Input((6, 6, 4)), *inner])

    pad, conv = layers.ZeroPadding2D(1), layers.Conv2D(4, 3)
    inputs = keras.Input((6, 6, 4))
    branches = [
        branch(pad, layers.Conv2D(4, 3)),
        branch(pad, layers.Conv2D(4, 3)),
        branch(conv, layers.BatchNormalization()),
        conv,
    ]
    outputs = [inner(inputs) for inner in branches]
    model = randomize(keras.Model(inputs, outputs))
    folded = fold.fold(model_graph.ModelGraph(model))
    x = np.ones((1, 6, 6, 4), "float32")
    for got, want in zip(folded(x), model(x), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4)


@pytest.mark.parametrize("kind", ["relu", "gelu", "silu", "linear"])
def test_what_computes_in_another_dtype_stays(kind):
    keras.config.set_dtype_policy("mixed_bfloat16")
    inputs = keras.Input((6,))
    outputs = layers.Dense(4)(inputs)
    outputs = layers.Activation(kind, dtype="float32", name="last")(outputs)
    model = keras.Model(inputs, outputs)
    folded = fold.fold(model_graph.ModelGraph(model))
    assert "last" in [layer.name for layer in folded.layers]
    assert folded(np.ones((2, 6))).dtype == "float32"


@pytest.mark.parametrize("kind", ["relu", "gelu", "silu"])
def test_an_operation_that_ends_a_mask_stays(kind):
    inputs = keras.Input((5,), dtype="int32")
    x = layers.Embedding(9, 6, mask_zero=True)(inputs)
    x = getattr(keras.ops, kind)(layers.Dense(4)(x))
    model = keras.Model(inputs, layers.GlobalAveragePooling1D()(x))
    folded = fold.fold(model_graph.ModelGraph(model))
    tokens = np.array([[1, 2, 0, 0, 0], [3, 0, 0, 0, 0]])
    np.testing.assert_allclose(folded(tokens), model(tokens), atol=1e-6)


@pytest.mark.parametrize("function", ["relu", "gelu", "silu"])
def test_operations_become_activations(function):
    inputs = keras.Input((6,))
    x = layers.Dense(4, name="dense")(inputs)
    model = keras.Model(inputs, getattr(keras.ops, function)(x))
    folded = fold.fold(model_graph.ModelGraph(model))
    compare(model, folded)
    is_tanh = function == "gelu"  # The default of `keras.ops.gelu`.
    own = folded.get_layer("dense").activation
    assert own is getattr(keras.activations, "linear" if is_tanh else function)


def test_a_quantized_layer_keeps_what_is_behind():
    inputs = keras.Input((8,))
    model = keras.Model(
        inputs, layers.ReLU(name="last")(layers.Dense(8)(inputs))
    )
    model.layers[1].quantize("int8")
    folded = fold.fold(model_graph.ModelGraph(model))
    assert "last" in [layer.name for layer in folded.layers]
    compare(model, folded)
