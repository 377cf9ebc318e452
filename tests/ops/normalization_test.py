import numpy as np
import pytest
import tensorflow as tf

from tfprune import ops
from tfprune.ops import normalization

pytestmark = pytest.mark.skipif(
    ops.library.load().ops is None, reason="no compiled ops"
)


def floats(*shape):
    rng = np.random.default_rng(sum(shape))
    return tf.constant(rng.normal(2, 3, shape).astype("float32"))


@pytest.mark.parametrize("centered", [True, False])
@pytest.mark.parametrize("width", [1, 7, 16, 33, 100, 384])
@pytest.mark.parametrize("batch", [(), (5,), (2, 3)])
def test_sizes(batch, width, centered):
    x, gamma, beta = floats(*batch, 2, width), floats(width), floats(width)
    for weights in ((gamma, beta), (gamma, None), (None, beta), (None, None)):
        got = ops.normalize(x, *weights, epsilon=1e-3, centered=centered)
        own = [tf.zeros([0]) if w is None else w for w in weights]
        expected = normalization.reference(x, *own, 1e-3, centered)
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)


def test_nothing_to_do():
    assert ops.normalize(floats(0, 5), epsilon=0.1).shape == (0, 5)


def test_an_open_shape():
    function = tf.function(
        lambda x: ops.normalize(x, epsilon=0.1),
        input_signature=[tf.TensorSpec((None, None, 5))],
    )
    assert function.get_concrete_function().output_shapes == [None, None, 5]
    np.testing.assert_allclose(
        function(floats(2, 3, 5)),
        ops.normalize(floats(2, 3, 5), epsilon=0.1),
    )


@pytest.mark.parametrize("centered", [True, False])
def test_gradients(centered):
    exact, measured = tf.test.compute_gradient(
        lambda *x: ops.normalize(*x, epsilon=0.1, centered=centered),
        [floats(3, 5), floats(5), floats(5)],
        delta=1e-2,
    )
    for a, b in zip(exact, measured, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-2)


def test_shapes_that_do_not_fit():
    for name, weights in (("gamma", (floats(4),)), ("beta", (None, floats(6)))):
        with pytest.raises(
            tf.errors.InvalidArgumentError, match=f"{name} must have shape"
        ):
            ops.normalize(floats(3, 5), *weights, epsilon=0.1)
