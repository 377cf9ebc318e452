"""Steps that are not those of `fit`: masks hold, and nothing hidden is lost."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tfprune
from tfprune.core import units
from tfprune.optimizers import masked_values


@pytest.fixture(autouse=True, params=[0, 10**9], ids=["watched", "moved"])
def large(request, monkeypatch):
    monkeypatch.setattr(masked_values, "LARGE", request.param)


def pruned():
    keras.utils.set_random_seed(0)
    dense = [layers.Dense(16, name="a"), layers.Dense(4, name="b")]
    model = keras.Sequential([keras.Input((8,)), *dense])
    tfprune.prune(model, tfprune.methods.Surgery(target_sparsity=0.5))
    return model


def targets(model):
    tagged = units.tagged(model.variables)
    return [target for unit in tagged for target in unit.targets]


def fit(model, optimizer=None):
    optimizer = optimizer or tfprune.PruningOptimizer(keras.optimizers.SGD(0.1))
    model.compile(optimizer, "mse")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(32, 8)), rng.normal(size=(32, 4))
    model.fit(x, y, 8, 2, verbose=0)
    return optimizer


GRADIENTS = {
    "variables": lambda v: tf.Variable(tf.ones(v.shape)),
    "tensors with values": lambda v: tf.ones(v.shape),
    "arrays": lambda v: np.ones(v.shape, "float32"),
}


@pytest.mark.parametrize("make", GRADIENTS.values(), ids=GRADIENTS.keys())
def test_gradients_of_any_kind_in_a_graph(make):
    model = pruned()
    optimizer = tfprune.PruningOptimizer(keras.optimizers.SGD(0.1))
    variables = model.trainable_variables
    optimizer.build(variables)
    gradients = list(map(make, variables))

    @tf.function
    def step():
        optimizer.apply(gradients, variables)

    before = variables[0].numpy()
    step()
    assert np.any(variables[0].numpy() != before)
    for target in targets(model):
        shown, mask = target.variable.numpy(), target.mask.numpy()
        np.testing.assert_array_equal(shown[~mask], 0)
        assert not mask.all()


def test_what_is_frozen_in_between_stays_masked_and_hidden():
    model = pruned()
    optimizer = fit(model)
    model.layers[0].trainable = False
    before = [(x.variable.numpy(), x.dense()) for x in targets(model)][:2]
    fit(model, optimizer)
    after = [(x.variable.numpy(), x.dense()) for x in targets(model)][:2]
    keras.tree.map_structure(np.testing.assert_array_equal, after, before)


def test_variables_of_others_are_finalized():
    model = pruned()
    optimizer = tfprune.PruningOptimizer(keras.optimizers.SGD(0.1))
    optimizer.build(model.layers[0].trainable_variables)
    before = [x.dense() for x in targets(model)]
    optimizer.finalize_variable_values(model.trainable_variables)
    after = [x.dense() for x in targets(model)]
    keras.tree.map_structure(np.testing.assert_array_equal, after, before)


def test_an_eager_step_that_fails_loses_nothing_hidden():
    model = pruned()
    optimizer = fit(model)
    before = [target.dense() for target in targets(model)]
    variables = model.trainable_variables
    wrong = [tf.ones(v.shape) for v in variables[:-1]] + [tf.ones(99)]
    with pytest.raises(Exception, match="99"):
        optimizer.apply(wrong, variables)
    hidden = [
        (x.dense()[~x.mask.numpy()], old[~x.mask.numpy()])
        for x, old in zip(targets(model), before, strict=True)
    ]
    for found, expected in hidden:
        np.testing.assert_array_equal(found, expected)


def test_between_the_halves_of_a_step_the_variable_has_it_all():
    model = pruned()
    fit(model)
    target = targets(model)[0]
    expected = target.dense()
    shown = target.variable.numpy()
    target.variable.assign(expected)
    target.hidden.assign(shown)
    np.testing.assert_array_equal(target.dense(), expected)
