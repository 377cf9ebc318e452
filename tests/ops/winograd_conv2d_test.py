import numpy as np
import pytest
import tensorflow as tf

from tests.ops import problems
from tfprune import ops
from tfprune.numerics import winograd_convolution
from tfprune.ops import activations
from tfprune.ops import library
from tfprune.ops.winograd_conv2d import reference as winograd_reference


def images(*shape):
    return np.random.default_rng(1).normal(size=shape).astype("float32")


def coefficients(kernel_size, channels, count, groups=1, sparsity=0.5):
    """Returns coefficients as `Csr` and as the kernel of a layer."""
    size = kernel_size + 3
    shape = (size, size, channels // groups, count)
    dense = problems.sparse(count, int(np.prod(shape[:3])), sparsity)
    # As filters have them: less where outputs are amplified.
    dense /= np.sqrt(dense.shape[1] + 1)
    return ops.Csr.from_dense(dense), dense.T.reshape(shape)


def direct(x, kernel, kernel_size, padding="SAME", groups=1):
    """In double precision."""
    return winograd_convolution.convolve(
        tf.constant(x, "float64"),
        tf.constant(kernel, "float64"),
        kernel_size,
        padding.lower(),
        groups,
    )


def check(shape, count, kernel_size, padding="SAME", groups=1, sparsity=0.5):
    weights, kernel = coefficients(
        kernel_size, shape[3], count, groups, sparsity
    )
    x = images(*shape)
    got = ops.sparse_winograd_conv2d(x, weights, kernel_size, padding, groups)
    expected = direct(x, kernel, kernel_size, padding, groups).numpy()
    assert got.shape == expected.shape
    bound = 2e-5 * max(np.abs(expected).max(initial=0), 1)
    np.testing.assert_allclose(got, expected, rtol=0, atol=bound)


@pytest.mark.parametrize("kernel_size", [3, 5])
@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("size", [(1, 1), (4, 9), (5, 33), (13, 13)])
def test_sizes(kernel_size, padding, size):
    check((2, *size, 3), 5, kernel_size, padding)


@pytest.mark.parametrize("sparsity", [0, 0.9, 1])
@pytest.mark.parametrize("groups", [1, 2, 3])
def test_groups_and_sparsities(groups, sparsity):
    check((2, 7, 6, 6), 18, 3, "SAME", groups, sparsity)


@pytest.mark.parametrize("zero", range(4))
def test_empty(zero):
    sizes = [2, 5, 3, 4]
    sizes[zero] = 0
    batch, height, channels, count = sizes
    for padding in ("SAME", "VALID"):
        check((batch, height, 6, channels), count, 3, padding)


@pytest.mark.parametrize("activation", list(activations.FUSED))
@pytest.mark.parametrize("has_bias", [False, True])
def test_epilogues(activation, has_bias):
    weights, kernel = coefficients(5, 6, 9)
    x = images(2, 6, 7, 6)
    bias = images(9) if has_bias else None
    got = ops.sparse_winograd_conv2d(
        x, weights, 5, "SAME", bias=bias, activation=activation
    )
    sums = direct(x, kernel, 5) + (bias if has_bias else 0)
    expected = activations.FUSED[activation](sums)
    bound = 2e-5 * max(np.abs(sums).max(), 1)
    np.testing.assert_allclose(got, expected, rtol=0, atol=bound)


@pytest.mark.parametrize("has_bias", [False, True])
def test_gradients_equal_those_of_the_reference(has_bias):
    weights, _ = coefficients(3, 4, 5)
    x = tf.constant(images(2, 6, 7, 4))
    values = tf.constant(weights.values)
    bias = tf.constant(images(5 if has_bias else 0))
    upstream = images(2, 6, 7, 5)

    def run(function):
        with tf.GradientTape() as tape:
            tape.watch([x, values, bias])
            own = weights._replace(values=values)
            y = function(own) * upstream
        return tape.gradient(
            y,
            [x, values, bias],
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )

    got = run(
        lambda own: ops.sparse_winograd_conv2d(
            x, own, 3, "SAME", bias=bias, activation="relu"
        )
    )
    expected = run(
        lambda own: winograd_reference(x, own, (3, "SAME", 1), bias, "relu")
    )
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-3)


def test_graphs_know_the_shape():
    weights, _ = coefficients(5, 3, 7)

    @tf.function(
        input_signature=[
            tf.TensorSpec((None, 9, None, 3)),
        ]
    )
    def run(x):
        y = ops.sparse_winograd_conv2d(x, weights, 5)
        assert y.shape.as_list() == [None, 5, None, 7]
        return y

    assert run(images(2, 9, 8, 3)).shape == (2, 5, 4, 7)


def test_the_reference_is_used_where_nothing_is_compiled(monkeypatch):
    none = library.Library(None, "")
    monkeypatch.setattr(library, "load", lambda: none)
    check((2, 9, 8, 6), 4, 3, "SAME", 2)
    check((1, 9, 8, 6), 4, 5, "VALID")


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"kernel_size": 4}, "`kernel_size` must be 3 or 5"),
        ({"padding": "same"}, "`padding` must be 'SAME' or 'VALID'"),
        ({"activation": "elu"}, "`activation` must be one of"),
    ],
)
def test_bad_arguments(arguments, message):
    weights, _ = coefficients(3, 4, 5)
    with pytest.raises(ValueError, match=message):
        ops.sparse_winograd_conv2d(
            images(1, 5, 5, 4), weights, **{"kernel_size": 3, **arguments}
        )
