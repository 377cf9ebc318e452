"""Nothing about how far pruning has come is silent."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune import methods
from tfprune.core import progress
from tfprune.core import units

RAMP = methods.Magnitude(0.8, end_step=10, frequency=1)


@pytest.fixture(params=[False, True], ids=["in_place", "wrapped"])
def model(request):
    keras.utils.set_random_seed(0)
    net = keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(16, name="a"),
            layers.Dense(5, name="b"),
        ]
    )
    return tfprune.prune(net, RAMP, wrap=request.param)


def fit(model, optimizer, steps):
    model.compile(optimizer, "mse")
    x = np.random.default_rng(0).normal(size=(8 * steps, 8))
    model.fit(x, x[:, :5], 8, shuffle=False, verbose=0)
    return model


def pruning():
    return tfprune.PruningOptimizer("sgd")


def lines(model):
    return progress.shortfalls(units.tagged(model.variables))


def test_a_ramp_that_has_not_ended_is_told(model):
    (line,) = lines(fit(model, pruning(), 4))
    assert line.startswith("target 80.0%, reached ")
    assert line.endswith("4 of 10 updates are done (a, b)")
    assert line in tfprune.report(model).warnings


def test_a_target_that_is_reached_is_not(model):
    assert not lines(fit(model, pruning(), 10))


def test_layers_that_do_not_train_are_told(model):
    model.get_layer("a").trainable = False
    (line,) = lines(fit(model, pruning(), 10))
    assert line == "target 80.0%, reached 0.0%: it does not train (a)"


def test_strip_and_export_warn_of_masks_never_decided(model, tmp_path):
    with pytest.warns(UserWarning, match="never decided.*: a, b"):
        bare = tfprune.strip(model)
    assert not progress.undecided(units.tagged(bare.variables))


def test_what_was_never_trained_is_told(model):
    assert lines(model) == [
        "target 80.0%, reached 0.0%: no step with a tfprune.PruningOptimizer "
        "was made (a, b)"
    ]
    tfprune.decide(model)
    assert not lines(model)


def test_an_epoch_from_inside_of_the_ramp_is_told():
    keras.utils.set_random_seed(0)
    net = keras.Sequential([keras.Input((8,)), layers.Dense(5, name="a")])
    tfprune.prune(net, RAMP)
    early = fit(net, pruning(), 3).get_weights()
    fit(net, pruning(), 8)
    assert not progress.overwritten(units.tagged(net.variables))
    net.set_weights(early)
    (note,) = tfprune.report(net).warnings
    assert "AtTarget" in note and note.endswith("a")
