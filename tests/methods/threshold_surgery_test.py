"""Threshold surgery: a band around the mean, as wide as z deviations."""

import numpy as np
import pytest

from tests import deciding
from tfprune import methods


def decide(method, weights, step=0, masks=None):
    """Returns the masks of some one-kernel layers after a step."""
    rule = method.pruner
    units = [[w] for w in weights]
    masks = masks or [[np.ones(w.shape, bool)] for w in weights]
    settings = [dict(rule.settings) for _ in units]
    state, settings = rule.build(units, settings)
    decided = deciding.decide(rule, state, units, masks, step, settings)
    return [np.array(mask) for (mask,) in decided]


def band(w, z):
    """The rule of the original, in double precision."""
    w = w.astype("float64")
    m, s = w.mean(), w.std()
    return ~((m - z * s < w) & (w < m + z * s))


def normal(mean=0.0, size=200_000, seed=0):
    w = np.random.default_rng(seed).normal(mean, size=size)
    return w.astype("float32")


@pytest.mark.parametrize(
    "z, sparsity",
    [
        (0.600, 0.4515),
        (0.674, 0.4997),
        (0.994, 0.6798),
        (1.281, 0.7998),
        (1.644, 0.8998),
        (1.959, 0.9499),
    ],
)
def test_check_vector_of_a_gaussian(z, sparsity):
    (mask,) = decide(methods.ThresholdSurgery(z), [normal()])
    # Five deviations of 200,000 draws.
    assert 1 - mask.mean() == pytest.approx(sparsity, abs=0.0056)


@pytest.mark.parametrize("z", [0.6, 1.281])
def test_equals_the_rule_of_the_original(z):
    w = normal(mean=0.3, size=5000)
    (mask,) = decide(methods.ThresholdSurgery(z), [w])
    assert np.sum(mask != band(w, z)) <= 1  # a weight on the edge


def test_by_hand():
    """Mean 3, deviation sqrt(8 / 3) = 1.63: both ends stay, mean goes."""
    w = np.array([1.0, 3.0, 5.0], "float32")
    (mask,) = decide(methods.ThresholdSurgery(1.0), [w])
    assert mask.tolist() == [True, False, True]
    (mask,) = decide(methods.ThresholdSurgery(1.3), [w])
    assert mask.tolist() == [False, False, False]


def test_the_band_is_around_the_mean_and_not_around_zero():
    w = normal(mean=5.0, size=10_000)
    (mask,) = decide(methods.ThresholdSurgery(1.0), [w])
    low, high = w[~mask].min(), w[~mask].max()
    assert (low + high) / 2 == pytest.approx(w.mean(), abs=0.01)
    assert (high - low) / 2 == pytest.approx(w.std(), abs=0.01)
    assert mask[w < low].all() and mask[w > high].all()


def test_zeros_count_in_the_statistics():
    w = np.array([0.0] * 8 + [1.0, -1.0], "float32")
    (mask,) = decide(methods.ThresholdSurgery(2.0), [w])
    assert mask.tolist() == [False] * 8 + [True, True]


def test_statistics_are_of_the_dense_weights_of_now():
    """What is pruned counts, and what grew out of the band returns."""
    method = methods.ThresholdSurgery(1.0)
    w = normal(size=1000)
    masks = [[w > 10]]  # none is kept
    (mask,) = decide(method, [w], masks=masks)
    assert np.sum(mask != band(w, 1.0)) <= 1
    (scaled,) = decide(method, [100 * w], masks=[[mask]])
    assert np.sum(scaled != mask) <= 1


def test_layers_have_statistics_of_their_own():
    layers = [normal(size=1000), 50 * normal(mean=1, size=1000, seed=1)]
    together = decide(methods.ThresholdSurgery(1.0), layers)
    for w, mask in zip(layers, together, strict=True):
        (alone,) = decide(methods.ThresholdSurgery(1.0), [w])
        np.testing.assert_array_equal(mask, alone)


def test_one_coin_for_the_net():
    layers = [normal(size=10), normal(size=10, seed=1), normal(size=10, seed=2)]
    method = methods.ThresholdSurgery(1.0, gamma=0.2)
    pruned = []
    for step in range(15):
        dense = [mask.all() for mask in decide(method, layers, step)]
        assert len(set(dense)) == 1
        pruned.append(not dense[0])
    assert pruned[0] and 0 < sum(pruned) < 15


def test_every_step_is_a_coin_without_decay():
    always = methods.ThresholdSurgery(1.0, every_step=True)
    assert always == methods.ThresholdSurgery(1.0, gamma=0.0)
    for step in range(0, 10_000, 1000):
        (mask,) = decide(always, [normal(size=10)], step)
        assert not mask.all()


def test_final_from_stop_step_on():
    method = methods.ThresholdSurgery(1.0, every_step=True, stop_step=3)
    dense = [decide(method, [normal(size=10)], s)[0].all() for s in range(5)]
    assert dense == [False, False, False, True, True]


def test_only_kernels_and_what_is_pruned_goes_on_learning():
    method = methods.ThresholdSurgery()
    assert method.name == "threshold_surgery"
    assert method.roles == ("kernel",)
    assert method.pruner.gradient == "dense"
    assert method.pruner.settings == {"z": 0.674, "stop_step": float("inf")}
