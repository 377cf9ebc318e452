"""The group lasso beside its sum and its closed form in NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfprune
from tfprune import regularizers
from tfprune.core import structures

KINDS = {
    "filter": (structures.Filter(), lambda x: x.reshape(-1, 4).T),
    "channel": (
        structures.Channel(),
        lambda x: np.moveaxis(x, 2, 0).reshape(3, -1),
    ),
    "shape": (structures.FilterShape(), lambda x: x.reshape(-1, 4)),
    "layer": (structures.Layer(), lambda x: x.reshape(1, -1)),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def kernel():
    x = np.random.default_rng(0).normal(size=(2, 2, 3, 4)).astype("float32")
    x[0, 1, 2] = 0
    return x


@every_kind
@pytest.mark.parametrize("power", [0.5, 0.0])
def test_the_penalty_is_a_sum_of_norms(kind, power):
    structure, rows = KINDS[kind]
    groups = rows(kernel())
    norms = np.sqrt((groups**2).sum(axis=1))
    expected = 0.1 * groups.shape[1] ** power * norms.sum()
    penalty = regularizers.GroupLasso(0.1, structure, power)(kernel())
    np.testing.assert_allclose(penalty, expected, 1e-5)


def test_its_gradient_is_the_released_code_s():
    """Rows of w / norm(row); a row of zeros has none."""
    filters = tf.Variable([[3.0, 0.0], [4.0, 0.0], [0.0, 0.0]])
    with tf.GradientTape() as tape:
        penalty = regularizers.GroupLasso(2.0, power=0.0)(filters)
    expected = [[1.2, 0.0], [1.6, 0.0], [0.0, 0.0]]
    np.testing.assert_allclose(tape.gradient(penalty, filters), expected)


@every_kind
def test_a_proximal_step_is_the_closed_form(kind):
    structure, rows = KINDS[kind]
    lasso = regularizers.GroupLasso(3.0, structure)
    (short,) = lasso.proximal([tf.constant(kernel())], 0.1)
    for old, new in zip(rows(kernel()), rows(short.numpy()), strict=True):
        norm = np.sqrt((old**2).sum())
        shrunk = 0.1 * 3.0 * np.sqrt(old.size)
        expected = old * (1 - shrunk / norm) if norm > shrunk else 0 * old
        np.testing.assert_allclose(new, expected, 1e-4, 1e-6)


def test_a_proximal_step_minimizes_what_it_stands_for():
    """It is the least of norm(x - w)**2 / 2 + rate * penalty(x)."""
    lasso = regularizers.GroupLasso(0.4, structures.FilterShape())
    w = kernel()
    (best,) = lasso.proximal([tf.constant(w)], 0.5)

    def cost(x):
        return np.sum((x - w) ** 2) / 2 + 0.5 * float(lasso(x))

    random = np.random.default_rng(1)
    for scale in (1e-3, 1e-2, 1e-1):
        near = best + scale * random.normal(size=w.shape).astype("float32")
        assert cost(best.numpy()) < cost(near.numpy())


def test_short_groups_become_exact_zeros_also_under_xla():
    lasso = regularizers.GroupLasso(1.0, structures.FilterShape())
    step = tf.function(lambda x: lasso.proximal([x], 0.9)[0], jit_compile=True)
    groups = kernel().reshape(-1, 4)
    short = np.linalg.norm(groups, axis=1) < 0.9 * 2
    zero = (step(tf.constant(kernel())).numpy().reshape(-1, 4) == 0).all(axis=1)
    assert 0 < short.sum() < len(short)
    np.testing.assert_array_equal(zero, short)


def test_a_filter_shrinks_together_with_its_bias():
    lasso = regularizers.GroupLasso(1.0, power=0.0)
    kernel, bias = tf.constant([[3.0, 3.0]]), tf.constant([4.0, 0.5])
    kernel, bias = lasso.proximal([kernel, bias], 1.0)
    np.testing.assert_allclose(kernel[0, 0], 2.4)
    np.testing.assert_allclose(bias[0], 3.2)


def test_a_layer_with_it_trains_and_is_saved(tmp_path):
    lasso = regularizers.GroupLasso(0.01, structures.FilterShape())
    layer = keras.layers.Conv2D(4, 2, kernel_regularizer=lasso)
    model = keras.Sequential([keras.Input((4, 4, 3)), layer])
    layer.kernel.assign(kernel())
    np.testing.assert_allclose(model.losses, [lasso(kernel())])
    model.compile("sgd", "mse")
    model.fit(np.ones((2, 4, 4, 3)), np.ones((2, 3, 3, 4)), verbose=0)
    assert np.isfinite(layer.kernel.numpy()).all()
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.layers[0].kernel_regularizer == lasso


def test_a_negative_strength():
    with pytest.raises(ValueError, match="`strength` must be >= 0"):
        tfprune.regularizers.GroupLasso(-1.0)
