"""A MultiOptimizer inside: each variable has an optimizer of its own."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras import ops

import tfprune
from tests.optimizers import force_nets as nets
from tfprune import methods

# Some train what is not pruned.
pytestmark = pytest.mark.filterwarnings("ignore:.*has nothing to prune")

AROUND = {
    "pruning": tfprune.PruningOptimizer,
    "force": lambda inner: force(inner),
    "both": lambda inner: tfprune.PruningOptimizer(force(inner)),
}


def force(inner):
    return tfprune.optimizers.ForceRegularized(
        inner, 0.0, force_mult={".*": 1.0}
    )


def multi(default=None, other=None, **arguments):
    default = default or keras.optimizers.SGD(0.1, name="default")
    other = other or keras.optimizers.Adam(0.01, name="other")
    chosen = keras.optimizers.OptimizerMap(default, {"(.*/)?a/.*": other})
    return keras.optimizers.MultiOptimizer(chosen, **arguments)


def net(method=None):
    dense = [layers.Dense(4, name="a"), layers.Dense(2, name="b")]
    model = keras.Sequential([keras.Input((4,)), *dense])
    return tfprune.prune(model, method) if method else model


def fit(model, optimizer=None, **arguments):
    if optimizer is not None:
        model.compile(optimizer, "mse", jit_compile=False)
    random = np.random.default_rng(0)
    x, y = random.normal(size=(8, 4)), random.normal(size=(8, 2))
    model.fit(x, y, 4, shuffle=False, verbose=0, **arguments)
    return model


def step(optimizer, weights, gradient=ops.zeros_like):
    optimizer.apply([gradient(v) for v in weights], weights)


@pytest.mark.parametrize("around", AROUND)
def test_trains_as_it_does_alone(around):
    alone = fit(net(), multi())
    keras.utils.set_random_seed(0)
    nets.assert_same(fit(net(), AROUND[around](multi())), alone)


@pytest.mark.parametrize("around", ["pruning", "both"])
def test_all_is_pruned(around, tmp_path):
    model = net(methods.Magnitude(0.75, frequency=1))
    fit(model, AROUND[around](multi()))
    for kernel in (v for v in model.trainable_weights if v.name == "kernel"):
        assert np.mean(kernel.numpy() == 0) == 0.75
    assert int(model.optimizer.iterations) == 2
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    nets.assert_same(fit(loaded), fit(model))


def test_a_callback_sets_all_learning_rates():
    halve = keras.callbacks.LearningRateScheduler(lambda _, rate: rate / 2)
    optimizer = tfprune.PruningOptimizer(multi())
    fit(net(methods.Magnitude()), optimizer, callbacks=[halve])
    rates = [float(inner.learning_rate) for inner in optimizer.optimizers]
    assert sorted(rates) == pytest.approx([0.005, 0.05])
    with pytest.raises(AttributeError, match="on a MultiOptimizer"):
        _ = optimizer.learning_rate


def test_weights_shrink_by_the_learning_rate_of_their_own():
    model = net(methods.Guided(0.01, threshold=0.0, shrinkage="soft"))
    weights = model.trainable_variables
    kernels = [v for v in weights if v.name == "kernel"]
    for kernel in kernels:
        kernel.assign(ops.ones(kernel.shape))
    rates = keras.optimizers.SGD(1.0), keras.optimizers.SGD(0.5)
    step(tfprune.PruningOptimizer(multi(*rates)), weights)
    for kernel, rate in zip(kernels, (0.5, 1.0), strict=True):
        np.testing.assert_allclose(kernel, 1 - 0.01 * rate, 1e-5)


class TestAccumulatedGradients:
    def optimizer(self, *steps):
        return tfprune.PruningOptimizer(
            multi(
                *(
                    keras.optimizers.SGD(1.0, gradient_accumulation_steps=x)
                    for x in steps
                )
            )
        )

    def test_are_one_update(self):
        model = net(methods.Magnitude(0.5, begin_step=2, frequency=1))
        optimizer, weights = self.optimizer(2, 2), model.trainable_variables
        for count in range(1, 6):
            step(optimizer, weights, ops.ones_like)
            assert int(optimizer.iterations) == count // 2
            kernels = [v for v in weights if v.name == "kernel"]
            zeros = [float(np.mean(v.numpy() == 0)) for v in kernels]
            assert zeros == ([0.5, 0.5] if count > 3 else [0.0, 0.0])

    def test_must_be_so_for_all(self):
        with pytest.raises(ValueError, match=r"steps=\[1, 2\]. Give all"):
            self.optimizer(None, 2).build(net().trainable_variables)


def test_two_replicas_sum_their_gradients_once():
    # Two strategies of one process may not both use collectives.
    strategy = tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"], tf.distribute.ReductionToOneDevice()
    )
    with strategy.scope():
        weights = net().trainable_variables
        sgd = keras.optimizers.SGD
        optimizer = tfprune.PruningOptimizer(multi(sgd(1.0), sgd(0.5)))
        optimizer.build(weights)
    before = [v.numpy() for v in weights]

    @tf.function
    def run():
        strategy.run(lambda: step(optimizer, weights, ops.ones_like))

    run()
    for v, old in zip(weights, before, strict=True):
        rate = 0.5 if v.path.split("/")[-2] == "a" else 1.0
        np.testing.assert_allclose(v, old - 2 * rate, 1e-5)


def test_several_that_prune_do_not_share_a_layer():
    pruning = [tfprune.PruningOptimizer("sgd") for _ in range(2)]
    chosen = keras.optimizers.OptimizerMap(pruning[0], {".*kernel": pruning[1]})
    model = net(methods.Surgery(0.5))
    model.compile(keras.optimizers.MultiOptimizer(chosen), "mse")
    with pytest.raises(ValueError, match="inside of one PruningOptimizer, not"):
        fit(model)
