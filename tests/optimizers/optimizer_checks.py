"""What can be done with an optimizer, as checks of one that may be around it.

Each check takes a callable that puts an optimizer around another one, does
something with it, and returns what came of it, which must be the same for
`plain`.
"""

import tempfile

import keras
import pytest
from keras import layers
from keras import ops

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
