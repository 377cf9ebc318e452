"""All that can be called on an optimizer can be called on one around it.

Each check does something with an optimizer and returns what came of it, which
must be the same for an optimizer and for one around it.
"""

import tempfile

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

import tfprune
from tests.optimizers import force_nets as nets
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
DECAY = keras.optimizers.schedules.ExponentialDecay(0.5, 1, 0.5)


def variables():
    with keras.name_scope("layer"):
        return [
            keras.Variable([[1.0, -2.0], [3.0, 4.0]], name="kernel"),
            keras.Variable([5.0, 6.0], name="bias"),
        ]


def sgd(around=lambda inner: inner, rate=0.5, **arguments):
    return around(keras.optimizers.SGD(rate, momentum=0.9, **arguments))


def step(optimizer, weights, times=1):
    for count in range(times):
        grads = [0.25 * (count + v) for v in weights]
        optimizer.apply(grads, weights)


def values(weights):
    return [ops.convert_to_numpy(v).tolist() for v in weights]


def trained(optimizer, times=3):
    """The weights after some steps, and what `fit` makes of them."""
    weights = variables()
    step(optimizer, weights, times)
    before = values(weights)
    optimizer.finalize_variable_values(weights)
    return before, values(weights)


def attribute(name, given, other, **arguments):
    """An attribute as it was given, and set, each with training."""

    def check(around):
        found = []
        for value in (given, other):
            optimizer = sgd(around, **{name: given}, **arguments)
            setattr(optimizer, name, value)
            found += [getattr(optimizer, name), trained(optimizer, 4)]
        assert found[1] != found[3]
        return found

    return check


def assigned(name):
    def check(around):
        optimizer, variable = sgd(around), keras.Variable([1.0, 2.0])
        getattr(optimizer, name)(variable, ops.convert_to_tensor([3.0, 5.0]))
        return values([variable])

    return check


def added(name, *arguments):
    def check(around):
        optimizer = sgd(around)
        new = getattr(optimizer, name)(*arguments)
        new = new if isinstance(new, list) else [new]
        known = {id(variable) for variable in optimizer.variables}
        return [(tuple(v.shape), v.dtype, id(v) in known) for v in new]

    return check


def build(around):
    optimizer, weights = sgd(around), variables()
    found = [optimizer.built]
    optimizer.build(weights)
    optimizer.apply([ops.ones(v.shape) for v in weights])
    return [*found, optimizer.built, values(weights)]


def apply(around):
    return trained(sgd(around, nesterov=True, clipvalue=0.3))


def apply_gradients(around):
    optimizer, weights = sgd(around), variables()
    for _ in range(2):
        pairs = [(ops.ones(v.shape), v) for v in weights]
        iterations = optimizer.apply_gradients(pairs)
    return int(iterations), values(weights)


def exclude_from_weight_decay(around):
    found = []
    for choice in ("var_names", "var_list"):
        optimizer, weights = sgd(around, weight_decay=0.5), variables()
        excluded = {"var_names": ["bias"], "var_list": weights[1:]}[choice]
        optimizer.exclude_from_weight_decay(**{choice: excluded})
        optimizer.apply([ops.zeros(v.shape) for v in weights], weights)
        found.append(values(weights))
    assert found[0][1] == [5.0, 6.0]
    return found


def from_config(around):
    optimizer = sgd(around, DECAY, clipnorm=0.5)
    again = type(optimizer).from_config(optimizer.get_config())
    assert again.get_config() == optimizer.get_config()
    return trained(again)


def iterations(around):
    found = []
    for arguments in ({}, {"gradient_accumulation_steps": 2}):
        optimizer = sgd(around, **arguments)
        step(optimizer, variables(), 5)
        found.append(int(optimizer.iterations))
    assert found == [5, 2]
    return found


def learning_rate(around):
    optimizer, found = sgd(around), []
    for rate in (0.5, 0.25, DECAY, lambda: 0.125):
        optimizer.learning_rate = rate
        found += [float(optimizer.learning_rate), trained(optimizer)]
        optimizer = sgd(around)
    with pytest.raises(TypeError, match="LearningRateSchedule"):
        sgd(around, DECAY).learning_rate = 0.1
    return found


def saved(around):
    """Weights of a model that goes on from a file, or without interruption."""

    def model():
        net = keras.Sequential([keras.Input((2,)), layers.Dense(2)])
        for weight, value in zip(net.weights, variables(), strict=True):
            weight.assign(value)
        net.compile(sgd(around))
        net.optimizer.build(net.trainable_variables)
        return net

    one, store = model(), {}
    step(one.optimizer, one.trainable_variables, 2)
    one.optimizer.save_own_variables(store)
    one.optimizer.load_own_variables(store)
    other = model()
    with tempfile.TemporaryDirectory() as folder:
        one.save_weights(f"{folder}/a.weights.h5")
        other.load_weights(f"{folder}/a.weights.h5")
    for net in (one, other):
        step(net.optimizer, net.trainable_variables)
    assert values(one.weights) == values(other.weights)
    return values(other.weights), int(other.optimizer.iterations)


def scale_loss(around):
    scaled = sgd(around, loss_scale_factor=8.0)
    return [float(x.scale_loss(3.0)) for x in (sgd(around), scaled)]


def set_weights(around):
    one, weights = sgd(around), variables()
    step(one, weights, 2)
    other = sgd(around)
    other.build(weights)
    other.set_weights(values_of(one))
    step(other, weights)
    with pytest.raises(ValueError, match="not yet been built"):
        sgd(around).set_weights([])
    return values(weights), int(other.iterations)


def values_of(optimizer):
    return [ops.convert_to_numpy(v) for v in optimizer.variables]


def stateless_apply(around):
    optimizer, weights = sgd(around), variables()
    optimizer.build(weights)
    with pytest.raises(ValueError) as error:
        optimizer.stateless_apply(optimizer.variables, weights, weights)
    return str(error.value)


def update_step(around):
    optimizer, (weight, _) = sgd(around), variables()
    if around is not plain:
        with pytest.raises(NotImplementedError, match="Call `apply`"):
            optimizer.update_step(weight, weight, 0.1)


def all_variables(around):
    optimizer = sgd(around)
    optimizer.build(variables())
    names = [v.name for v in optimizer.variables]
    assert len(set(map(id, optimizer.variables))) == len(names)
    return names[-4:]  # An optimizer around has some before these.


def name(around):
    optimizer = sgd()
    if around is not plain:
        optimizer = around(optimizer)
    optimizer.name = "mine"
    return optimizer.name, optimizer.get_config()["name"]


def plain(inner):
    return inner


CHECKS = {
    "add_optimizer_variables": added(
        "add_optimizer_variables", variables(), "slot"
    ),
    "add_variable": added("add_variable", (2, 3)),
    "add_variable_from_reference": added(
        "add_variable_from_reference", variables()[0]
    ),
    "apply": apply,
    "apply_gradients": apply_gradients,
    "assign": assigned("assign"),
    "assign_add": assigned("assign_add"),
    "assign_sub": assigned("assign_sub"),
    "build": build,
    "built": build,
    "clipnorm": attribute("clipnorm", 0.5, 0.25),
    "clipvalue": attribute("clipvalue", 0.5, 0.25),
    "ema_momentum": attribute("ema_momentum", 0.5, 0.25, use_ema=True),
    "ema_overwrite_frequency": attribute(
        "ema_overwrite_frequency", 3, None, use_ema=True
    ),
    "exclude_from_weight_decay": exclude_from_weight_decay,
    "finalize_variable_values": lambda around: trained(
        sgd(around, use_ema=True)
    ),
    "from_config": from_config,
    "get_config": from_config,
    "global_clipnorm": attribute("global_clipnorm", 0.5, 0.25),
    "gradient_accumulation_steps": attribute(
        "gradient_accumulation_steps", 2, None
    ),
    "iterations": iterations,
    "learning_rate": learning_rate,
    "load_own_variables": saved,
    "loss_scale_factor": attribute("loss_scale_factor", 8.0, 3.0),
    "name": name,
    "save_own_variables": saved,
    "scale_loss": scale_loss,
    "set_weights": set_weights,
    "stateless_apply": stateless_apply,
    "update_step": update_step,
    "use_ema": attribute("use_ema", True, False),
    "variables": all_variables,
    "weight_decay": attribute("weight_decay", 0.5, 0.25),
}
PUBLIC = [
    name
    for name in dir(keras.optimizers.Optimizer(0.1))
    if not name.startswith("_")
]


@pytest.mark.parametrize("member", PUBLIC)
@pytest.mark.parametrize("around", AROUND)
def test_does_what_the_inner_optimizer_does(member, around):
    assert member in CHECKS, (
        f"Optimizer.{member} is new in Keras: make OptimizerWrapper do what "
        "its inner optimizer does, and add a check of it here."
    )
    check = CHECKS[member]
    expected, found = check(plain), check(AROUND[around])
    found, expected = map(keras.tree.flatten, (found, expected))
    for one, other in zip(found, expected, strict=True):
        assert one == (pytest.approx(other) if is_number(other) else other)


def is_number(value):
    return isinstance(value, float)


@pytest.mark.parametrize("around", AROUND)
class TestWhatTheInnerOptimizerAloneHas:
    def test_is_read_and_set(self, around):
        optimizer = sgd(AROUND[around])
        assert optimizer.momentum == 0.9
        optimizer.momentum = 0.5
        inner = sgd()
        inner.momentum = 0.5
        assert trained(optimizer) == trained(inner)

    def test_is_not_there_otherwise(self, around):
        optimizer = sgd(AROUND[around])
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
        optimizer = sgd(Pruning, loss_scale_factor=8.0)
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
        seen = [values(model.weights)]
        look = keras.callbacks.LambdaCallback(
            on_test_begin=lambda logs: seen.append(values(model.weights))
        )
        swap = keras.callbacks.SwapEMAWeights()
        model.evaluate(x, y, verbose=0, callbacks=[swap, look])
        assert seen[0] != seen[1]
        return seen[1]

    assert swapped(AROUND[around]) == swapped(plain)
