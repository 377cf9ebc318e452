"""The force as part of a method is the force around an optimizer."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune import methods
from tfprune.core import units

FORCE = {"force_decay": 0.1, "force_type": "constant"}


def net(groups=1):
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((6, 6, 4)),
            layers.Conv2D(8, 3, groups=groups, name="conv"),
            layers.Flatten(name="flatten"),
            layers.Dense(2, name="out"),
        ]
    )


def train(model, optimizer):
    model.compile(optimizer, "mse")
    random = np.random.default_rng(0)
    x = random.normal(size=(32, 6, 6, 4))
    model.fit(x, random.normal(size=(32, 2)), 8, shuffle=False, verbose=0)
    return model


def sgd():
    return keras.optimizers.SGD(0.1, momentum=0.9)


@pytest.mark.filterwarnings("ignore:.*skips these layers")
def by_method(method, groups=1):
    model = tfprune.prune(net(groups), method)
    return train(model, tfprune.PruningOptimizer(sgd()))


def assert_same(one, other):
    pairs = zip(one.trainable_variables, other.trainable_variables, strict=True)
    for a, b in pairs:
        np.testing.assert_allclose(a, b, atol=1e-6)


def by_name(model, names):
    """The units of a model, which must be of these layers."""
    found = units.tagged(model.variables)
    assert [unit.name for unit in found] == names
    return found


def test_it_is_the_optimizer_and_prunes_nothing():
    model = by_method(methods.Force(**FORCE))
    assert_same(
        model, train(net(), tfprune.optimizers.ForceRegularized(sgd(), **FORCE))
    )
    assert all(
        target.mask.numpy().all()
        for unit in by_name(model, ["conv", "out"])
        for target in unit.targets
    )


def test_groups_are_respected():
    model = by_method(methods.Force(**FORCE), groups=2)
    optimizer = tfprune.optimizers.ForceRegularized(
        sgd(), **FORCE, groups=tfprune.graph.conv_groups(net(2))
    )
    assert_same(model, train(net(2), optimizer))


def test_with_another_method():
    method = methods.Magnitude(0.5, frequency=1)
    model = by_method(methods.Force(**FORCE, method=method))
    other = tfprune.prune(net(), method)
    optimizer = tfprune.optimizers.ForceRegularized(
        tfprune.PruningOptimizer(sgd()), **FORCE
    )
    assert_same(model, train(other, optimizer))
    conv, _ = by_name(model, ["conv", "out"])
    assert conv.targets[0].mask.numpy().mean() == 0.5


def test_layers_that_are_left_alone():
    method = methods.Force(**FORCE, settings={"out": None})
    model = by_method(method)
    by_name(model, ["conv"])


def test_round_trips_with_all_settings():
    method = methods.Force(
        keras.optimizers.schedules.ExponentialDecay(0.1, 5, 0.5),
        "gravity",
        force_mult={"conv.*": 0.5},
        direction="same",
        adaptive=True,
        stop_step=9,
        settings={"out": None},
    )
    saved = keras.saving.serialize_keras_object(method)
    again = keras.saving.deserialize_keras_object(saved)
    assert again.get_config() == method.get_config()


def test_settings_are_those_of_the_other_method():
    with pytest.raises(ValueError, match="`settings` must be those of"):
        methods.Force(method=methods.Magnitude(), settings={"out": None})


def test_a_layer_that_is_not_there():
    method = methods.Force(force_mult={"cnv": 1})
    with pytest.raises(ValueError, match="Did you mean 'conv'"):
        by_method(method)
