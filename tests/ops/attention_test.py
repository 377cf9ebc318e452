import numpy as np
import pytest
import tensorflow as tf

from tfprune import ops
from tfprune.ops import attention

pytestmark = pytest.mark.skipif(
    ops.library.load().ops is None, reason="no compiled ops"
)


def tensors(queries=9, keys=11, heads=4, key_heads=4, depth=8, values=8):
    rng = np.random.default_rng(0)
    return [
        tf.constant(rng.normal(size=(2, *shape)).astype("float32"))
        for shape in (
            (queries, heads, depth),
            (keys, key_heads, depth),
            (keys, key_heads, values),
        )
    ]


def mask(*shape):
    return tf.constant(np.random.default_rng(1).random(shape) < 0.6)


def check(given, seen=None, is_causal=False):
    got = ops.attend(*given, seen, scale=0.3, is_causal=is_causal)
    expected = attention.reference(*given, seen, 0.3, is_causal)
    np.testing.assert_allclose(got, expected, atol=2e-6)


@pytest.mark.parametrize("is_causal", [False, True])
@pytest.mark.parametrize("depth", [1, 16, 33])
@pytest.mark.parametrize(("queries", "keys"), [(1, 1), (7, 20), (40, 19)])
def test_sizes(queries, keys, depth, is_causal):
    for values in (depth, depth + 3):
        given = tensors(queries, keys, depth=depth, values=values)
        check(given, None, is_causal)


@pytest.mark.parametrize("is_causal", [False, True])
@pytest.mark.parametrize(
    "shape",
    [
        *((2, 4, 9, 11), (2, 1, 1, 11), (1, 1, 9, 11), (2, 4, 9, 1)),
        *((4, 1, 11), (9, 11), (11,)),
    ],
)
def test_masks(shape, is_causal):
    check(tensors(), mask(*shape), is_causal)


def test_a_query_that_sees_nothing_gets_the_mean():
    given = tensors()
    seen = tf.zeros((2, 1, 9, 11), "bool")
    check(given, seen)
    got = ops.attend(*given, seen, scale=1.0)
    mean = tf.reduce_mean(given[2], 1, keepdims=True)
    np.testing.assert_allclose(got, tf.repeat(mean, 9, 1), atol=1e-6)


@pytest.mark.parametrize("key_heads", [1, 2])
def test_shared_keys(key_heads):
    check(tensors(key_heads=key_heads))


def test_nothing_to_do():
    query, key, value = tensors()
    got = ops.attend(query[:, :0], key, value, scale=1.0)
    assert got.shape == (2, 0, 4, 8)
    got = ops.attend(query, key[:, :0], value[:, :0], scale=1.0)
    np.testing.assert_array_equal(got, tf.zeros((2, 9, 4, 8)))
    got = ops.attend(query[:0], key[:0], value[:0], scale=1.0)
    assert got.shape == (0, 9, 4, 8)


def test_gradients():
    given = tensors(3, 4, 2, 1, 3, 2)
    seen = mask(2, 1, 3, 4)
    exact, measured = tf.test.compute_gradient(
        lambda *x: ops.attend(*x, seen, scale=0.5), given, delta=1e-2
    )
    for a, b in zip(exact, measured, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda q, k, v: (q[0], k, v), "query must have rank 4"),
        (lambda q, k, v: (q, k[:1], v[:1]), "batch size and the depth"),
        (lambda q, k, v: (q, k[..., :3], v), "batch size and the depth"),
        (lambda q, k, v: (q, k, v[:, :5]), "length and heads of key"),
        (lambda q, k, v: (q, k[:, :, :3], v[:, :, :3]), "multiple of those"),
    ],
)
def test_shapes_that_do_not_fit(change, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        ops.attend(*change(*tensors()), scale=1.0)


@pytest.mark.parametrize(
    "shape", [(2, 4, 9, 10), (2, 9, 10), (3, 1, 1, 1), (1, 2, 4, 9, 11)]
)
def test_masks_that_do_not_fit(shape):
    with pytest.raises(tf.errors.InvalidArgumentError, match="mask must have"):
        ops.attend(*tensors(), mask(*shape), scale=1.0)
