import keras
import numpy as np
import pytest
import tensorflow as tf

import tfprune
from tests.ops import problems
from tfprune import layers
from tfprune.ops import csr

EQUATIONS = [
    ("ab,bc->ac", 7, {"bias_axes": "c"}, (3, 10)),
    ("abc,cde->abde", (None, 2, 5), {"bias_axes": "de"}, (2, 3, 10)),
    ("abc,cde->abde", (None, 2, 5), {"bias_axes": "d"}, (2, 3, 10)),
    ("abcd,cde->abe", (None, 7), {"bias_axes": "e"}, (2, 3, 4, 5)),
    ("abcd,cde->abe", (None, 7), {"activation": "relu"}, (2, 3, 4, 5)),
    ("...x,xy->...y", 7, {"bias_axes": "y"}, (2, 3, 4, 10)),
    # Axes in any order, and some that are made in the middle.
    ("abc,dbe->adec", (2, 3, None), {}, (2, 10, 4)),
    ("btd,ndh->bnth", (4, None, 3), {"activation": "tanh"}, (2, 6, 5)),
    ("btd,nhd->btnh", (None, 4, 3), {"bias_axes": "nh"}, (2, 6, 5)),
]


def dense_layers():
    """Returns built Keras layers with zeros, and inputs for them."""
    rng = np.random.default_rng(0)
    conv = {"kernel_size": 3, "padding": "same"}
    cases = [
        (keras.layers.Dense(7), (4, 10)),
        (keras.layers.Dense(7, "relu", use_bias=False), (1, 10)),
        (keras.layers.Dense(5, "tanh"), (2, 3, 10)),
        (keras.layers.Conv2D(6, **conv, strides=2), (2, 9, 8, 4)),
        (keras.layers.Conv2D(6, **conv, groups=2), (2, 9, 8, 4)),
        (keras.layers.Conv2D(6, (2, 3), activation="relu6"), (2, 9, 8, 4)),
        (
            keras.layers.Conv2D(6, 3, dilation_rate=2, activation="elu"),
            (1, 9, 9, 4),
        ),
        (
            keras.layers.DepthwiseConv2D(**conv, activation="relu6"),
            (2, 9, 8, 11),
        ),
        (keras.layers.DepthwiseConv2D((3, 2), strides=2), (2, 9, 8, 16)),
        (keras.layers.DepthwiseConv2D(3, depth_multiplier=3), (2, 9, 8, 4)),
        *[
            (keras.layers.EinsumDense(equation, size, **more), shape)
            for equation, size, more, shape in EQUATIONS
        ],
    ]
    for layer, shape in cases:
        layer.build((None, *shape[1:]))
        for variable in layer.weights:
            value = rng.normal(size=variable.shape)
            if "kernel" in variable.name:
                value *= rng.random(value.shape) < 0.3
            variable.assign(value)
        yield layer, rng.normal(size=shape).astype("float32")


CASES = range(10 + len(EQUATIONS))


def sparse(layer, **kwargs):
    kind = layers.SparseConv2D
    if isinstance(layer, keras.layers.Dense):
        kind = layers.SparseDense
    if isinstance(layer, keras.layers.EinsumDense):
        kind = layers.SparseEinsumDense
    return kind.from_dense(layer, **kwargs)


def small_model():
    """Returns a model with both kinds of sparse layers."""
    inputs = keras.Input((8, 8, 2))
    x = layers.SparseConv2D(4, 3, 20, activation="relu")(inputs)
    x = keras.layers.Flatten()(x)
    model = keras.Model(inputs, layers.SparseDense(3, 60)(x))
    for layer in model.layers:
        if isinstance(layer, layers.Sparse):
            rows, columns = layer._rows, layer._columns
            matrix = np.zeros(rows * columns, "float32")
            spots = np.random.default_rng(0).permutation(matrix.size)
            matrix[spots[: layer.nonzeros]] = (
                np.linspace(-1, 1, layer.nonzeros) + 0.01
            )
            layer.set_kernel(matrix.reshape(rows, columns))
    return model


@pytest.mark.parametrize("index", CASES)
def test_computes_what_the_dense_layer_does(index):
    layer, x = list(dense_layers())[index]
    own = sparse(layer)
    assert own.name == layer.name
    np.testing.assert_allclose(own(x), layer(x), rtol=1e-5, atol=1e-5)
    assert own.compute_output_shape(x.shape) == tuple(layer(x).shape)


@pytest.mark.parametrize("index", CASES)
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_short_values(index, dtype):
    layer, x = list(dense_layers())[index]
    own = sparse(layer, values_dtype=dtype)
    assert own.values.dtype == dtype
    layer.kernel.assign(
        keras.ops.cast(keras.ops.cast(layer.kernel, dtype), "float32")
    )
    np.testing.assert_allclose(own(x), layer(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(policy):
    keras.config.set_dtype_policy(policy)
    for layer, x in dense_layers():
        own = sparse(layer)
        assert own(x).dtype == layer(x).dtype
        # Some processors have einsum of float16 wrong, with batches.
        layer.dtype_policy = "float32"
        np.testing.assert_allclose(
            np.array(own(x), "float32"),
            np.array(layer(x), "float32"),
            rtol=0.1,
            atol=0.1,
        )


@pytest.mark.parametrize(
    ("equation", "size", "bias_axes", "message"),
    [
        ("abc,cd->acd", (3, 5), None, "both read and made"),
        ("abc,abd->abcd", (4, 3, 5), None, "both read and made"),
        ("abc,cd->abd", (4, 5), "b", "not a number for each output"),
        ("abc,cd->ad", (5,), None, "is summed without it"),
    ],
)
def test_an_equation_that_is_no_matrix(equation, size, bias_axes, message):
    layer = keras.layers.EinsumDense(equation, size, bias_axes=bias_axes)
    layer.build((2, 4, 3))
    with pytest.raises(ValueError, match=message):
        layers.SparseEinsumDense.from_dense(layer)


@pytest.mark.parametrize("case", EQUATIONS)
def test_equations_in_files_and_graphs_of_open_sizes(case, tmp_path):
    equation, size, more, shape = case
    is_open = len(shape) > 2 and "b" not in equation.split(",")[1][:3]
    inputs = keras.Input((None, *shape[2:]) if is_open else shape[1:])
    layer = keras.layers.EinsumDense(equation, size, **more)
    layer(inputs)
    own = layers.SparseEinsumDense.from_dense(layer)
    model = keras.Model(inputs, own(inputs))
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    np.testing.assert_allclose(
        model.predict(x, verbose=0), layer(x), rtol=1e-5, atol=1e-5
    )
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(x), model(x))


def test_saves_and_loads(tmp_path):
    model = small_model()
    x = np.random.default_rng(0).normal(size=(5, 8, 8, 2)).astype("float32")
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(x), model(x))


def test_a_layer_that_was_never_set_gives_its_bias():
    layer = layers.SparseDense(3, nonzeros=5)
    np.testing.assert_array_equal(layer(np.ones((2, 4))), np.zeros((2, 3)))


def test_trains_and_is_right_afterwards():
    model = small_model()
    model.compile("sgd", "mse", jit_compile="auto")
    x = np.random.default_rng(0).normal(size=(64, 8, 8, 2)).astype("float32")
    before = model.predict(x, verbose=0)
    losses = model.fit(x, np.ones((64, 3)), epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    own = [x for x in model.layers if isinstance(x, layers.Sparse)]
    assert all(int(layer.stamp) == csr.UNSTAMPED for layer in own)
    after = model.predict(x, verbose=0)
    assert not np.allclose(before, after)
    for layer in own:
        layer.refresh()
        assert int(layer.stamp) != csr.UNSTAMPED
    np.testing.assert_allclose(model.predict(x, verbose=0), after, rtol=1e-6)


def test_two_replicas_train_as_one():
    x = np.random.default_rng(0).normal(size=(32, 8, 8, 2)).astype("float32")
    found = []
    strategies = [
        tf.distribute.get_strategy(),
        tf.distribute.MirroredStrategy(
            ["CPU:0", "CPU:1"], tf.distribute.ReductionToOneDevice()
        ),
    ]
    for strategy in strategies:
        with strategy.scope():
            model = small_model()
            model.compile("sgd", "mse")
        model.fit(x, np.ones((32, 3)), batch_size=16, shuffle=False, verbose=0)
        found.append(model.predict(x, verbose=0))
    np.testing.assert_allclose(*found, rtol=1e-4, atol=1e-5)


def test_weights_too_small_for_the_values_are_zeros():
    layer = keras.layers.Dense(2)
    layer.build((None, 3))
    layer.kernel.assign([[1, 1e-20], [0, 2], [1e-20, 0]])
    assert layers.SparseDense.from_dense(layer, "float16").nonzeros == 2


def test_saving_gives_the_stamp_back(tmp_path):
    model = small_model()
    own = model.layers[1]
    own.stamp.assign(csr.UNSTAMPED)
    model.save_weights(tmp_path / "a.weights.h5")
    assert int(own.stamp) != csr.UNSTAMPED


def test_is_reached_from_the_package():
    assert tfprune.layers.SparseDense is layers.SparseDense
    assert tfprune.layers.SparseConv2D is layers.SparseConv2D


@pytest.mark.parametrize(
    "make,message",
    [
        (lambda: layers.SparseDense(0, 3), "`units` must be an integer from 1"),
        (lambda: layers.SparseDense(3, -1), "`nonzeros` must be an integer"),
        (
            lambda: layers.SparseDense(3, 1, values_dtype="int8"),
            "`values_dtype`",
        ),
        (lambda: layers.SparseConv2D(3, 0, 1), "`kernel_size` must be one or"),
        (lambda: layers.SparseConv2D(3, 3, 1, strides=(1, 0)), "`strides`"),
        (lambda: layers.SparseConv2D(3, 3, 1, padding="causal"), "`padding`"),
        (
            lambda: layers.SparseConv2D(3, 3, 1, groups=2).build((1, 4, 4, 4)),
            "`groups` must be a divisor of 4 channels and 3 filters",
        ),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_matrix_that_does_not_fit_changes_nothing():
    layer = layers.SparseDense(3, 4)
    layer.build((None, 5))
    before = [np.array(w) for w in layer.weights]
    for shape in [(3, 4), (5, 3), (3, 5)]:
        with pytest.raises(ValueError, match="`matrix` must have shape"):
            layer.set_kernel(problems.sparse(*shape, 0))
    for old, new in zip(before, layer.weights, strict=True):
        np.testing.assert_array_equal(old, np.array(new))


@pytest.mark.parametrize(
    "kind, wrong, shape",
    [
        (layers.SparseConv2D, keras.layers.Conv1D(4, 3), (None, 9, 2)),
        (layers.SparseConv2D, keras.layers.Conv3D(4, 3), (None, 9, 9, 9, 2)),
        (
            layers.SparseConv2D,
            keras.layers.Conv2DTranspose(4, 3),
            (None, 9, 9, 2),
        ),
        (layers.SparseConv2D, keras.layers.Dense(3), (None, 4)),
        (layers.SparseDense, keras.layers.Conv2D(4, 3), (None, 9, 9, 2)),
        (
            layers.SparseDense,
            keras.layers.EinsumDense("ab,bc->ac", 4),
            (None, 3),
        ),
        (
            layers.SparseWinogradConv2D,
            keras.layers.Conv2D(4, 3),
            (None, 9, 9, 2),
        ),
        (
            layers.FilterShapeConv2D,
            keras.layers.DepthwiseConv2D(3),
            (None, 9, 9, 2),
        ),
    ],
)
def test_layers_of_other_kinds_are_refused(kind, wrong, shape):
    wrong.build(shape)
    name = type(wrong).__name__
    with pytest.raises(ValueError, match=f"must be a .*built.*a {name}"):
        kind.from_dense(wrong)


def test_a_layer_that_is_not_built_is_refused():
    with pytest.raises(ValueError, match="a Dense, not built"):
        layers.SparseDense.from_dense(keras.layers.Dense(3))
