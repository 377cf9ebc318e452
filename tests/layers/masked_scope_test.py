"""What a layer writes while it runs is kept, as in the bare layer."""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

import tfprune
from tfprune import methods

NOTHING = methods.Magnitude(0.0)

pytestmark = pytest.mark.filterwarnings("ignore:.*skips these layers")


class Own(layers.Layer):
    """A layer of a user's own, with one kernel to prune."""

    def build(self, shape):
        self.kernel = self.add_weight(name="kernel", shape=(shape[-1], 3))
        self.total = self.add_weight(name="total", trainable=False)
        self.mean = keras.metrics.Mean("mean")

    def compute_output_shape(self, shape):
        return (*shape[:-1], 3)


class WritesItsKernel(Own):
    def call(self, x):
        self.kernel.assign(self.kernel / (1 + ops.sum(self.kernel**2)))
        return x @ self.kernel


class WritesInALoop(Own):
    def call(self, x):
        def body(i):
            self.total.assign_add(ops.mean(x @ self.kernel))
            return (i + 1,)

        ops.while_loop(lambda i: i < 3, body, (0,))
        return x @ self.kernel + self.total


class WritesItsKernelInACondition(Own):
    def call(self, x):
        def halve():
            self.kernel.assign(self.kernel * 0.5)
            return 1.0

        ops.cond(ops.sum(x) > 0, halve, lambda: 0.0)
        return x @ self.kernel


class UpdatesAMetric(Own):
    def call(self, x):
        y = x @ self.kernel
        self.mean.update_state(y)
        return y + self.mean.result()


class Remembers(Own):
    """Its gradient would be another one if it went through the state."""

    def call(self, x):
        self.total.assign(ops.mean(x @ self.kernel))
        return x @ self.kernel * (1 + self.total)


class Noisy(layers.Layer):
    """A cell that draws in every step."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.state_size = 3
        self.dropout = layers.Dropout(0.5, seed=1)
        self.inner = layers.Dense(3, name="inner")

    def build(self, shape):
        self.inner.build(shape)

    def call(self, x, states, training=None):
        y = self.dropout(self.inner(x), training=training) + states[0]
        return y, [y]


LAYERS = {
    "spectral": lambda: layers.SpectralNormalization(layers.Dense(3)),
    "kernel": WritesItsKernel,
    "loop": WritesInALoop,
    "condition": WritesItsKernelInACondition,
    "metric": UpdatesAMetric,
    "state": Remembers,
    "cell": lambda: layers.RNN(Noisy()),
}


def net(kind):
    inputs = keras.Input((2, 4) if kind == "cell" else (4,))
    return keras.Model(inputs, LAYERS[kind]()(inputs))


def state(layer):
    return layer.variables + layer.metrics_variables


def batch(model):
    shape = (16, *model.inputs[0].shape[1:])
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    return x, np.ones((16, 3))


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("eager", [True, False])
def test_a_layer_that_writes_trains_as_if_it_were_bare(kind, eager):
    plain = net(kind)
    model = tfprune.prune(plain, NOTHING, wrap=True)
    layer, wrapped = plain.layers[-1], model.layers[-1].layer
    start = [x.numpy() for x in state(layer)]
    pruning = tfprune.PruningOptimizer(keras.optimizers.SGD(0.1))
    for each, sgd in ((plain, keras.optimizers.SGD(0.1)), (model, pruning)):
        each.compile(sgd, "mse", run_eagerly=eager)
        each.fit(*batch(each), 8, 2, shuffle=False, verbose=0)
    for one, other in zip(state(layer), state(wrapped), strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-6, atol=1e-7)
    moved = [np.any(x != y) for x, y in zip(start, state(layer), strict=True)]
    assert any(moved)


def test_what_is_pruned_keeps_its_value_when_a_layer_writes():
    model = tfprune.prune(net("kernel"), NOTHING, wrap=True)
    layer = model.layers[-1]
    mask = np.eye(4, 3, dtype=bool)
    tfprune.set_mask(model, layer.name, mask)
    before = layer.layer.kernel.numpy()
    kept = np.where(mask, before, 0)
    x, _ = batch(model)
    expected = np.where(mask, kept / (1 + np.sum(kept**2)), before)
    outputs = model(x)
    np.testing.assert_allclose(layer.layer.kernel, expected, rtol=1e-6)
    masked = np.where(mask, expected, 0)
    np.testing.assert_allclose(outputs, x @ masked, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["spectral", "state"])
def test_a_call_without_state_takes_and_gives_all_of_it(kind):
    model = tfprune.prune(net(kind), NOTHING, wrap=True)
    x, _ = batch(model)
    trained = [v + 1 for v in model.trainable_variables]
    others = [v.value for v in model.non_trainable_variables]
    before = [v.numpy() for v in model.variables]
    outputs, written = model.stateless_call(trained, others, x, training=True)
    for old, new in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(old, new)
    for variable, value in zip(model.trainable_variables, trained, strict=True):
        variable.assign(value)
    np.testing.assert_allclose(model(x, training=True), outputs, rtol=1e-5)
    kept = [v.numpy() for v in model.non_trainable_variables]
    for expected, value in zip(kept, written, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-5)
