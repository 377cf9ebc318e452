import numpy as np
import pytest
import tensorflow as tf

from tests.ops import problems
from tfprune import ops
from tfprune.ops import activations
from tfprune.ops.matmul import reference as matmul_reference


def inputs(batch, columns):
    rng = np.random.default_rng(1)
    return rng.normal(size=(batch, columns)).astype("float32")


def check(batch, columns, rows, sparsity, dtype="float32", **kwargs):
    dense = tf.cast(problems.sparse(rows, columns, sparsity), dtype)
    weights = ops.Csr.from_dense(dense)
    x = inputs(batch, columns)
    expected = tf.matmul(x, tf.cast(dense, "float32"), transpose_b=True)
    got = ops.csr_matmul(x, weights, **kwargs)
    bound = 1e-6 * np.sqrt(columns + 1) * 10
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=bound)


@pytest.mark.parametrize("sparsity", [0, 0.5, 0.9, 1])
@pytest.mark.parametrize(
    "batch", [0, 1, 2, 7, 8, 9, 16, 111, 112, 113, 127, 1024]
)
def test_batches(batch, sparsity):
    check(batch, 37, 71, sparsity)


@pytest.mark.parametrize("columns", [0, 1, 15, 16, 17, 101, 1009])
@pytest.mark.parametrize("rows", [0, 1, 7, 8, 9, 63, 64, 65, 127])
@pytest.mark.parametrize("batch", [1, 9])
def test_sizes(batch, columns, rows):
    check(batch, columns, rows, 0.5)


@pytest.mark.parametrize("batch", [1, 5])
def test_more_columns_than_16_bits_can_count(batch):
    check(batch, 2**16 + 1, 3, 0.99)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("batch", [1, 9])
def test_short_values(batch, dtype):
    check(batch, 50, 20, 0.5, dtype)


@pytest.mark.parametrize("activation", list(activations.FUSED))
@pytest.mark.parametrize("batch", [1, 9])
def test_bias_and_activation(batch, activation):
    weights = ops.Csr.from_dense(problems.sparse(20, 50, 0.5) * 3)
    x = inputs(batch, 50)
    bias = np.linspace(-5, 5, 20).astype("float32")
    got = ops.csr_matmul(x, weights, bias, activation)
    reference = matmul_reference(x, weights, tf.constant(bias), activation)
    np.testing.assert_allclose(got, reference, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("activation", list(activations.FUSED))
def test_gradients(activation):
    weights = ops.Csr.from_dense(problems.sparse(6, 9, 0.5))
    x = tf.constant(inputs(4, 9))
    bias = tf.constant(np.linspace(-1, 1, 6).astype("float32"))

    def product(x, values, bias):
        own = weights._replace(values=values, stamp=0)
        return ops.csr_matmul(x, own, bias, activation)

    values = tf.constant(weights.values)
    exact, measured = tf.test.compute_gradient(
        product, [x, values, bias], delta=1e-2
    )
    for a, b in zip(exact, measured, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-2)


def test_a_stamp_of_0_reads_the_values_in_every_run():
    weights = ops.Csr.from_dense(problems.sparse(6, 9, 0.5))
    x = inputs(3, 9)

    @tf.function
    def run(values):
        return ops.csr_matmul(x, weights._replace(values=values, stamp=0))

    once = run(tf.constant(weights.values))
    twice = run(tf.constant(2 * weights.values))
    np.testing.assert_allclose(2 * once, twice, rtol=1e-6)


def test_shapes_are_known_while_tracing():
    weights = ops.Csr.from_dense(problems.sparse(6, 9, 0.5))

    @tf.function
    def run(x):
        y = ops.csr_matmul(x, weights)
        assert y.shape.as_list() == [None, 6]
        return y

    run.get_concrete_function(tf.TensorSpec([None, 9]))


def test_an_unknown_activation_is_refused():
    weights = ops.Csr.from_dense(problems.sparse(6, 9, 0.5))
    with pytest.raises(ValueError, match="`activation` must be one of: none"):
        ops.csr_matmul(inputs(1, 9), weights, activation="rleu")


@pytest.mark.parametrize("shape", [(9,), (0, 9), (2, 3, 9), (2, 1, 3, 9)])
def test_any_number_of_axes(shape):
    dense = problems.sparse(4, 9, 0.5)
    weights = ops.Csr.from_dense(dense)
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    got = tf.function(ops.csr_matmul)(x, weights)
    assert got.shape == (*shape[:-1], 4)
    np.testing.assert_allclose(got, x @ dense.T, rtol=1e-5, atol=1e-5)
