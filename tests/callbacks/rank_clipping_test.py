"""RankClipping lowers ranks between steps, and nothing else."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune import callbacks
from tfprune import methods
from tfprune.compress.low_rank import forms
from tfprune.graph import pruned


def net(**arguments):
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((6, 6, 4)),
            layers.Conv2D(8, 3, name="conv"),
            layers.Flatten(name="flatten"),
            layers.Dense(6, name="out"),
        ]
    )
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9), "mse", **arguments)
    return model


def train(model, clipping=None, steps=5):
    random = np.random.default_rng(0)
    x = random.normal(size=(8 * steps, 6, 6, 4))
    y = random.normal(size=(8 * steps, 6))
    callbacks = [clipping] if clipping else []
    model.fit(x, y, 8, shuffle=False, verbose=0, callbacks=callbacks)
    return model


def rank(model, name):
    kernel = np.array(model.get_layer(name).kernel)
    rows = kernel.reshape(-1, kernel.shape[-1])
    return np.linalg.matrix_rank(rows, tol=1e-4 * np.abs(rows).max())


def test_ranks_are_those_that_keep_the_energy():
    clipping = callbacks.RankClipping(0.5, interval=4)
    plain, model = train(net(), steps=4), train(net(), clipping, steps=4)
    expected = tfprune.compress.spectra(plain).ranks(0.5)
    assert clipping.history == [{"step": 4, "ranks": expected}]
    for name, value in expected.items():
        assert rank(model, name) == value < rank(plain, name)
        one, other = (
            np.array(x.get_layer(name).kernel) for x in (plain, model)
        )
        kept = np.sum(other**2) / np.sum(one**2)
        assert 0.5 <= kept < 1


def test_factorize_is_exact_afterwards():
    model = train(net(), callbacks.RankClipping(0.6, interval=5))
    found = tfprune.factorize(model, 1 - 1e-6, split_where="always")
    assert set(found.table.ranks) == {"conv", "out"}
    x = np.random.default_rng(1).normal(size=(3, 6, 6, 4))
    np.testing.assert_allclose(found.model(x), model(x), atol=1e-3)


def test_every_interval_until_it_stops():
    clipping = callbacks.RankClipping(0.9, interval=2, stop_step=6)
    train(net(), clipping, steps=9)
    assert [record["step"] for record in clipping.history] == [2, 4]


def test_layers_that_are_named():
    clipping = callbacks.RankClipping({"out": 0.5, "conv": None}, interval=5)
    train(net(), clipping)
    assert clipping.history[0]["ranks"].keys() == {"out"}


@pytest.mark.parametrize("method", ["svd", "kmeans", "lra"])
def test_other_methods(method):
    clipping = callbacks.RankClipping(0.7, interval=5, method=method)
    model = train(net(), clipping)
    (conv,) = [x for x in model.layers if x.name == "conv"]
    form = forms.form(method)
    (matrix,) = form.matrices(conv)
    wanted = clipping.history[0]["ranks"]["conv"]
    assert np.linalg.matrix_rank(matrix, tol=1e-5) <= wanted


def test_all_of_the_energy_changes_nothing():
    model = train(net(), callbacks.RankClipping(1.0, interval=5))
    plain = train(net())
    for one, other in zip(model.weights, plain.weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("wrap", [False, True])
def test_masks_stay_in_a_pruned_model(wrap):
    method = methods.Magnitude(0.5, frequency=1)
    model = tfprune.prune(net(), method, wrap=wrap)
    model.compile(tfprune.PruningOptimizer("sgd"), "mse")
    clipping = callbacks.RankClipping(0.5, interval=5)
    train(model, clipping, steps=6)
    assert set(clipping.history[0]["ranks"]) == {"conv", "out"}
    kernel = np.array(tfprune.strip(model).get_layer("conv").kernel)
    assert np.mean(kernel == 0) == 0.5


def test_what_learns_is_clipped_in_place_as_in_wrapped_layers():
    def clipped(wrap):
        method = methods.Surgery(c=1.0)
        model = tfprune.prune(net(), method, wrap=wrap)
        model.compile(
            tfprune.PruningOptimizer(keras.optimizers.SGD(0.01)), "mse"
        )
        train(model, callbacks.RankClipping(0.5, interval=5), steps=5)
        units = pruned.units(model).values()
        return [(x.dense(), np.array(x.mask)) for u in units for x in u.targets]

    for (one, kept), (other, mask) in zip(
        clipped(False), clipped(True), strict=True
    ):
        np.testing.assert_array_equal(kept, mask)
        np.testing.assert_allclose(one, other, atol=1e-6)
        assert not np.all(mask) and np.any(one[~mask])


class TestBadInput:
    @pytest.mark.parametrize(
        "arguments",
        [
            {"energy": 0.0},
            {"energy": {"a": 1.5}},
            {"interval": 0},
            {"stop_step": -1},
            {"method": "pcs"},
        ],
    )
    def test_arguments(self, arguments):
        with pytest.raises(ValueError, match="must be"):
            callbacks.RankClipping(**arguments)

    def test_steps_per_execution_must_divide_the_interval(self):
        clipping = callbacks.RankClipping(interval=3)
        with pytest.raises(ValueError, match="must divide the interval"):
            train(net(steps_per_execution=2), clipping)

    def test_a_layer_that_is_not_there(self):
        clipping = callbacks.RankClipping({"cnv": 0.9}, interval=5)
        with pytest.raises(ValueError, match="Did you mean 'conv'"):
            train(net(), clipping)
