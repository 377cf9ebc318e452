"""Winograd pruning, native and spatial, against the formulas in NumPy."""

import keras
import numpy as np
import pytest

import tfprune
from tfprune import methods
from tfprune.core import units
from tfprune.numerics import winograd

METHODS = [methods.Winograd, methods.L1Winograd]


def images(count=16):
    return np.random.default_rng(0).normal(size=(count, 8, 8, 2))


def net(kernel_size=3):
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((8, 8, 2)),
            keras.layers.Conv2D(6, kernel_size, padding="same", name="conv"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3, name="out"),
        ]
    )


def pruned(method, kernel_size=3):
    """Returns a net pruned by a method, compiled with plain SGD of 0.01."""
    model = net(kernel_size)
    if method.name == "winograd":
        model = tfprune.to_winograd(model)
    model = tfprune.prune(model, method, "conv")
    sgd = keras.optimizers.SGD(0.01)
    model.compile(tfprune.PruningOptimizer(sgd), "mse")
    return model


def target(model):
    (unit,) = units.tagged(model.variables)
    (found,) = unit.targets
    return found


def step(model):
    """Returns the kernel before and after one update."""
    kernel = target(model).variable
    before = kernel.numpy()
    x = images()
    model.fit(x, np.ones((len(x), 3)), len(x), shuffle=False, verbose=0)
    return before, kernel.numpy()


def moved(method, kernel_size=3):
    """Returns the kernel after the same update without a method."""
    nothing = type(method).from_fields(name=method.name, pruner=_idle(method))
    return step(pruned(nothing, kernel_size))


def _idle(method):
    return methods.build(method.name, decay=0.0, threshold=0.0).pruner


@pytest.mark.parametrize("kernel_size", [3, 5])
def test_native_step_by_hand(kernel_size):
    """Thresholds spare what moves."""
    method = methods.Winograd(0.1, threshold=0.1, factor=5.0)
    old, free = moved(method, kernel_size)
    _, new = step(pruned(method, kernel_size))
    pulled = free - 0.01 * 0.1 * np.sign(old)
    limit = 0.1 / (np.abs(pulled - old) + 1 / 5)
    expected = np.where(np.abs(pulled) > limit, pulled, 0)
    sure = np.abs(np.abs(pulled) / limit - 1) > 1e-3
    np.testing.assert_allclose(new[sure], expected[sure], atol=1e-6)
    assert 0.05 < np.mean(new == 0) < 0.9


def test_plain_threshold():
    """Coefficients have one for each position, the kernel has one for all."""
    method = methods.Winograd(0.0, threshold=0.5, shrinkage="hard")
    _, free = moved(method)
    _, new = step(pruned(method))
    transform = winograd.transform(3)
    norms = np.linalg.norm(np.kron(*[transform.outputs] * 2), axis=1)
    # The published one, and the constant, 4 r / M by ||B||^2 / M.
    limit = 0.5 / norms.reshape(6, 6, 1, 1) * 2 / (172 / 6)
    coefficients = np.abs(free * transform.balance()[:, :, None, None])
    sure = np.abs(coefficients / limit - 1) > 1e-3
    kept = coefficients > limit
    np.testing.assert_array_equal((new != 0)[sure], kept[sure])
    both = sure & kept
    np.testing.assert_allclose(new[both], free[both], atol=1e-6)
    assert 0.1 < np.mean(new == 0) < 0.9


@pytest.mark.parametrize("kernel_size", [3, 5])
def test_spatial_step_by_hand(kernel_size):
    method = methods.L1Winograd(0.1, threshold=5e-3)
    old, free = moved(method, kernel_size)
    _, new = step(pruned(method, kernel_size))
    g = winograd.transform(kernel_size).weights
    k = np.kron(g, g)
    w = old.reshape(kernel_size**2, -1).astype("float64")
    pull = (k.T @ np.sign(k @ w)).reshape(old.shape)
    pulled = (free - 0.01 * 0.1 * pull).reshape(kernel_size**2, -1)
    back = np.linalg.pinv(k)
    limit = 5e-3 * np.linalg.norm(back, axis=0)[:, None]
    u = k @ pulled
    expected = back @ np.where(np.abs(u) > limit, u, 0)
    got = new.reshape(expected.shape)
    sure = np.all(np.abs(np.abs(u) / limit - 1) > 1e-3, axis=0)
    np.testing.assert_allclose(got[:, sure], expected[:, sure], atol=1e-5)
    assert np.mean(np.abs(u) <= limit) > 0.1 and sure.mean() > 0.5


def test_spatial_filters_of_which_nothing_is_left_are_zero():
    model = pruned(methods.L1Winograd(0.0, threshold=0.1))
    _, new = step(model)
    removed = np.all(new == 0, axis=(0, 1))
    assert 0.2 < removed.mean() < 1
    mask = target(model).mask.numpy()
    np.testing.assert_array_equal(mask, np.broadcast_to(~removed, mask.shape))


@pytest.mark.parametrize("make", METHODS)
def test_settings_of_layers(make):
    method = make(0.0, threshold=0.0, settings={"conv": {"threshold": 50.0}})
    _, new = step(pruned(method))
    assert not np.any(new)


def test_only_layers_that_fit():
    model = net()
    with pytest.raises(ValueError, match="see tfprune.to_winograd"):
        tfprune.prune(model, methods.Winograd(), "conv")
    with pytest.raises(ValueError, match="it is a Dense, not a Conv2D"):
        tfprune.prune(model, methods.L1Winograd(), "out")
    with pytest.raises(ValueError, match="it is a WinogradConv2D"):
        own = tfprune.to_winograd(model)
        tfprune.prune(own, methods.L1Winograd(), "conv")


@pytest.mark.parametrize("make", METHODS)
@pytest.mark.parametrize("name", ["decay", "threshold"])
def test_bad_numbers(make, name):
    with pytest.raises(ValueError, match=f"`{name}` must be >= 0"):
        make(**{name: -1.0})


def test_bad_names():
    with pytest.raises(ValueError, match="Did you mean 'guided'"):
        methods.Winograd(shrinkage="guide")
