"""Guided pruning: step by step beside SkimCaffe's solver in NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfprune
from experiments import solvers
from tfprune import methods
from tfprune.core import structures
from tfprune.core import units

RATE, MOMENTUM = 0.05, 0.9


def net():
    keras.utils.set_random_seed(1)
    dense = keras.layers.Dense(5, name="a", bias_initializer="normal")
    return keras.Sequential([keras.Input((6,)), dense])


def data(steps):
    random = np.random.default_rng(0)
    x = random.normal(size=(steps, 8, 6)).astype("float32")
    return x, random.normal(size=(steps, 8, 5)).astype("float32")


def pruned(method, optimizer=None):
    model = tfprune.prune(net(), method)
    optimizer = optimizer or solvers.CaffeSGD(RATE, MOMENTUM)
    model.compile(tfprune.PruningOptimizer(optimizer), "mse")
    return model


def train(model, steps):
    x, y = (array.reshape(-1, array.shape[-1]) for array in data(steps))
    model.fit(x, y, 8, shuffle=False, verbose=0)
    return model


def target(model):
    (unit,) = units.tagged(model.variables)
    (found,) = unit.targets
    return found


def kernel(model):
    return target(model).dense()


def mask(model):
    return target(model).mask.numpy()


def caffe(steps, decay, shrink, seen=lambda w: w):
    """L1, momentum with the rate inside, then a rule on (w, h, gradient)."""
    layer = net().layers[0]
    w, b = (np.float64(x) for x in layer.get_weights())
    history, bias_history = np.zeros_like(w), np.zeros_like(b)
    for x, y in zip(*data(steps), strict=True):
        error = (x @ seen(w) + b - y) * 2 / y.size
        gradient = x.T @ error + decay * np.sign(seen(w))
        history = MOMENTUM * history + RATE * gradient
        bias_history = MOMENTUM * bias_history + 2 * RATE * error.sum(axis=0)
        w, b = shrink(w - history, history, gradient), b - bias_history
    return w


def hard(threshold):
    return lambda w, h, g: np.where(np.abs(w) <= threshold, 0, w)


def guided(pick):
    def rule(w, h, g):
        limit = 0.02 / (np.abs(pick(h, g)) + 1 / 4)
        return np.where(np.abs(w) <= limit, 0, w)

    return rule


def soft(w, h, g):
    return np.sign(w) * np.maximum(np.abs(w) - RATE * 0.3, 0)


RULES = {
    "step": (guided(lambda h, g: h), {}),
    "gradient": (guided(lambda h, g: g), {"signal": "gradient"}),
    "hard": (hard(0.02), {"shrinkage": "hard"}),
    "ista": (soft, {"shrinkage": "ista"}),
}


@pytest.mark.parametrize("name", RULES)
def test_equals_the_solver_of_the_original(name):
    rule, arguments = RULES[name]
    method = methods.Guided(0.3, threshold=0.02, factor=4, **arguments)
    model = train(pruned(method), 6)
    expected = caffe(6, 0.3, rule)
    np.testing.assert_allclose(kernel(model), expected, 1e-4, 1e-6)
    np.testing.assert_array_equal(mask(model), expected != 0)
    assert 0.05 < np.mean(expected == 0) < 0.95


def test_soft_has_no_penalty_in_the_gradient():
    model = train(pruned(methods.Guided(0.3, shrinkage="soft")), 6)
    expected = caffe(6, 0.0, soft)
    np.testing.assert_allclose(kernel(model), expected, 1e-4, 1e-6)


def test_hidden_weights_take_no_part_and_learn():
    """L1_DNS: the penalty's sign is that of what the forward pass sees."""

    def seen(w):
        return np.where(np.abs(w) > 0.15, w, 0)

    method = methods.Guided(0.3, threshold=0.15, shrinkage="hidden")
    model = pruned(method)
    tfprune.set_mask(model, "a", seen(kernel(model)) != 0)
    w = kernel(train(model, 6))
    expected = caffe(6, 0.3, lambda w, h, g: w, seen)
    np.testing.assert_allclose(w, expected, 1e-4, 1e-6)
    np.testing.assert_array_equal(mask(model), np.abs(w) > 0.15)
    assert np.all(w != 0) and 0 < mask(model).sum() < w.size


def test_a_weight_returns_with_a_step_above_its_threshold():
    model = pruned(methods.Guided(0.0, threshold=1e-4))
    model.get_layer("a").kernel.assign(np.zeros((6, 5)))
    train(model, 1)
    w = kernel(model)
    assert np.all((np.abs(w) > 9e-4) | (w == 0)) and np.any(w != 0)
    np.testing.assert_array_equal(mask(model), w != 0)


def test_biases_are_neither_penalized_nor_pruned():
    method = methods.Guided(100.0, threshold=10.0, shrinkage="hard")
    model = pruned(method)
    assert target(model).role == "kernel"
    model.get_layer("a").bias.assign([1e-7] * 5)
    train(model, 1)
    bias = model.get_layer("a").bias.numpy()
    assert np.all(bias != 0) and np.all(np.abs(bias) < 1)
    assert not np.any(kernel(model))


def test_settings_are_live_and_inactive_layers_keep_their_zeros():
    model = train(pruned(methods.Guided(0.3, threshold=0.02, factor=4)), 4)
    own, zeros = tfprune.settings(model)["a"], ~mask(model)
    assert own["decay"] == pytest.approx(0.3) and own["active"] == 1
    own["active"] = 0
    train(model, 4)
    np.testing.assert_array_equal(mask(model), ~zeros)
    bare = tfprune.strip(model).get_layer("a").kernel.numpy()
    assert not np.any(bare[zeros]) and np.all(bare[~zeros] != 0)


def test_inactive_layers_train_as_the_inner_optimizer():
    model = pruned(methods.Guided(9.0, threshold=9.0))
    tfprune.settings(model)["a"]["active"] = 0
    expected = caffe(3, 0.0, lambda w, h, g: w)
    np.testing.assert_allclose(kernel(train(model, 3)), expected, 1e-4, 1e-6)


def test_frozen_zeros_stay_and_others_are_not_penalized():
    model = train(pruned(methods.Guided(0.3, threshold=0.02, factor=4)), 4)
    tfprune.freeze(model)
    zeros, before = ~mask(model), kernel(model)
    still = tfprune.PruningOptimizer(keras.optimizers.SGD(0.0))
    model.compile(still, "mse")
    np.testing.assert_array_equal(kernel(train(model, 2)), before)
    model.compile(tfprune.PruningOptimizer("adam"), "mse")
    train(model, 2)
    assert not np.any(kernel(model)[zeros])
    assert np.all(kernel(model)[~zeros] != before[~zeros])


def test_frozen_by_rows_and_columns_scattered_zeros_learn():
    model = pruned(methods.Guided(0.0))
    kept = np.ones((6, 5), bool)
    kept[2], kept[:, 3], kept[0, 0] = False, False, False
    tfprune.set_mask(model, "a", kept)
    tfprune.freeze(model, [structures.Filter(), structures.FilterShape()])
    assert kernel(model)[0, 0] == 0
    model.compile(tfprune.PruningOptimizer("adam"), "mse")
    w = kernel(train(model, 2))
    kept[0, 0] = True
    np.testing.assert_array_equal(w != 0, kept)


def test_the_gradient_signal_sees_the_penalty():
    method = methods.Guided(0.3, signal="gradient")
    model = train(pruned(method, keras.optimizers.SGD(0.0)), 1)
    found = target(model).unit.memory["gradient_0"]
    x, y = (tf.constant(array[0]) for array in data(1))
    layer = net().layers[0]
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(layer(x) - y))
    expected = tape.gradient(loss, layer.kernel.value)
    expected += 0.3 * np.sign(layer.kernel)
    np.testing.assert_allclose(found, expected, 1e-4, 1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"decay": -1.0}, "`decay` must be >= 0"),
        ({"threshold": -1.0}, "`threshold` must be >= 0"),
        ({"factor": 1.0}, "`factor` must be >= 2"),
        ({"signal": "grad"}, "Did you mean 'gradient'"),
        ({"shrinkage": "sofd"}, "Did you mean 'soft'"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        methods.Guided(**arguments)
