"""The gradient terms of a rule: where they act, and where not."""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

import tfprune
from tfprune import methods
from tfprune.core import pruner


class Decayed(pruner.Pruner):
    """Nothing is due; gradients get a multiple of the weight."""

    settings = {"rate": 0.25}
    terms = (
        lambda gradient, weight, step, *, rate: gradient + rate * weight,
        lambda gradient, weight, step, *, rate: 2 * gradient,
    )

    def due(self, step, settings):
        return [False for _ in settings]


def net():
    dense = [layers.Dense(4, name="a"), layers.Dense(2, name="b")]
    model = keras.Sequential([keras.Input((4,)), *dense])
    return tfprune.prune(model, methods.Method("decayed", Decayed()))


class TestTheTermsOfARule:
    def moved(self, gradient, change=lambda model: None):
        """Returns the kernels of both layers before a step and their moves."""
        model = net()
        change(model)
        weights = model.trainable_variables
        before = {v.path: v.numpy() for v in weights}
        gradients = [gradient(v) for v in weights]
        tfprune.PruningOptimizer(keras.optimizers.SGD(1.0)).apply(
            gradients, weights
        )
        kernels = [v for v in weights if v.name == "kernel"]
        return [(before[v.path], v.numpy() - before[v.path]) for v in kernels]

    def test_act_in_turn_with_the_settings_of_the_layer(self):
        def change(model):
            tfprune.settings(model)["b"]["rate"] = 1.0

        found = self.moved(lambda v: ops.ones(v.shape), change)
        for (weight, moved), rate in zip(found, (0.25, 1.0), strict=True):
            expected = -2 * (1 + rate * weight)
            np.testing.assert_allclose(moved, expected, 1e-5, 1e-6)

    def test_end_where_masks_are_final(self):
        found = self.moved(lambda v: ops.ones(v.shape), tfprune.freeze)
        for _, moved in found:
            np.testing.assert_allclose(moved, -1, 1e-5)

    def test_leave_out_what_has_no_gradient(self):
        def gradient(variable):
            if "a" in variable.path.split("/"):
                return None
            return ops.ones(variable.shape)

        with pytest.warns(match="Gradients do not exist"):
            (_, first), (weight, moved) = self.moved(gradient)
        assert not np.any(first)
        np.testing.assert_allclose(moved, -2 * (1 + weight / 4), 1e-5, 1e-6)
