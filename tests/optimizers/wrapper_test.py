"""All that can be called on an optimizer can be called on one around it."""

import keras
import numpy as np
import pytest
from keras import ops

import tfprune
from tests.optimizers import force_nets as nets
from tests.optimizers import optimizer_checks as checks
from tfprune.numerics import forces

# These are about optimizers; most of them train what is not pruned.
pytestmark = pytest.mark.filterwarnings("ignore:.*has nothing to prune")

Pruning = tfprune.PruningOptimizer
Force = tfprune.optimizers.ForceRegularized
EVERY = {"force_mult": {".*": 1.0}}
AROUND = {
    "pruning": Pruning,
    "force": lambda inner: Force(inner, 0.0, **EVERY),
    "both": lambda inner: Pruning(Force(inner, 0.0, **EVERY)),
}
PUBLIC = [
    name
    for name in dir(keras.optimizers.Optimizer(0.1))
    if not name.startswith("_")
]


@pytest.mark.parametrize("member", PUBLIC)
@pytest.mark.parametrize("around", AROUND)
def test_does_what_the_inner_optimizer_does(member, around):
    assert member in checks.CHECKS, (
        f"Optimizer.{member} is new in Keras: make OptimizerWrapper do what "
        "its inner optimizer does, and add a check to optimizer_checks."
    )
    check = checks.CHECKS[member]
    expected, found = check(checks.plain), check(AROUND[around])
    found, expected = map(keras.tree.flatten, (found, expected))
    for one, other in zip(found, expected, strict=True):
        assert one == (pytest.approx(other) if is_number(other) else other)


def is_number(value):
    return isinstance(value, float)


@pytest.mark.parametrize("around", AROUND)
class TestWhatTheInnerOptimizerAloneHas:
    def test_is_read_and_set(self, around):
        optimizer = checks.sgd(AROUND[around])
        assert optimizer.momentum == 0.9
        optimizer.momentum = 0.5
        inner = checks.sgd()
        inner.momentum = 0.5
        assert checks.trained(optimizer) == checks.trained(inner)

    def test_is_not_there_otherwise(self, around):
        optimizer = checks.sgd(AROUND[around])
        assert not hasattr(optimizer, "optimizers")
        with pytest.raises(AttributeError, match="no attribute 'beta_1'"):
            _ = optimizer.beta_1
        optimizer.own = 1
        assert not hasattr(optimizer.inner_optimizer, "own")


class TestALossThatIsScaled:
    @pytest.mark.parametrize("scale", [None, 1024.0])
    def test_leaves_terms_as_strong(self, scale):
        model = nets.net(extras=False)
        weights = model.trainable_variables
        inner = keras.optimizers.SGD(1.0, loss_scale_factor=scale)
        optimizer = Force(inner, 0.1)
        before = model.get_layer("conv").kernel.numpy()
        optimizer.apply([ops.zeros(v.shape) for v in weights], weights)
        moved = model.get_layer("conv").kernel.numpy() - before
        force = np.array(forces.of_kernel(before, "degradation"))
        np.testing.assert_allclose(moved, 0.1 * force, 1e-3, 1e-6)

    def test_is_unscaled_once(self):
        """A LossScaleOptimizer switches the factor below it off."""
        optimizer = checks.sgd(Pruning, loss_scale_factor=8.0)
        keras.optimizers.LossScaleOptimizer(optimizer)
        assert optimizer.inner_optimizer.loss_scale_factor is None


@pytest.mark.parametrize("around", AROUND)
def test_averages_are_swapped_below_a_loss_scale(around):
    keras.config.set_dtype_policy("mixed_float16")

    def swapped(around):
        inner = keras.optimizers.SGD(0.05, use_ema=True)
        model = nets.compiled(around(inner), nets.net(extras=False))
        x, y = nets.data()
        for _ in range(2):
            model.train_on_batch(x, y)
        seen = [checks.values(model.weights)]
        look = keras.callbacks.LambdaCallback(
            on_test_begin=lambda logs: seen.append(checks.values(model.weights))
        )
        swap = keras.callbacks.SwapEMAWeights()
        model.evaluate(x, y, verbose=0, callbacks=[swap, look])
        assert seen[0] != seen[1]
        return seen[1]

    assert swapped(AROUND[around]) == swapped(checks.plain)
