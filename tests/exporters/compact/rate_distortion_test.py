"""Bits of each layer: the fewest bytes within a tolerance."""

import itertools

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune.exporters.compact import rate_distortion

Choice = rate_distortion.Choice


def random_choices(rng, names):
    return {
        name: [
            Choice(bits, int(size), float(loss))
            for bits, size, loss in zip(
                (2, 3, 4),
                np.sort(rng.integers(10, 100, 3)),
                np.sort(rng.random(3))[::-1] - 0.1,
                strict=True,
            )
        ]
        for name in names
    }


def best(choices, allowance):
    """The fewest bytes of all combinations."""
    fits = [
        sum(one.size for one in combination)
        for combination in itertools.product(*choices.values())
        if sum(max(one.loss, 0) for one in combination) <= allowance
    ]
    return min(fits, default=None)


@pytest.mark.parametrize("seed", range(30))
def test_it_is_near_the_best_of_all_combinations(seed):
    choices = random_choices(np.random.default_rng(seed), "abcd")
    for allowance in (0.8, 1.5, 4.0):
        expected = best(choices, allowance)
        if expected is None:
            continue
        found = rate_distortion.cheapest(choices, allowance)
        chosen = [
            next(x for x in own if x.values == found[name])
            for name, own in choices.items()
        ]
        assert sum(max(x.loss, 0) for x in chosen) <= allowance
        size = sum(x.size for x in chosen)
        assert expected <= size <= 1.6 * expected
        if allowance == 4.0:
            assert size == expected


def net():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((20,)),
            layers.Dense(30, activation="relu", name="coarse"),
            layers.Dense(30, activation="relu", name="fine"),
        ]
    )


def distance(model):
    """What an error of the second layer costs is much; of the first, little."""
    weights = [layer.kernel.numpy() for layer in model.layers]
    original = [layer.kernel.numpy() for layer in net().layers]
    coarse, fine = (
        np.mean((old - new) ** 2)
        for old, new in zip(original, weights, strict=True)
    )
    return float(coarse + 100 * fine)


@pytest.mark.parametrize("tolerance", [0.0, 1e-3, 1e-2])
def test_the_whole_is_within_the_tolerance(tolerance):
    model = net()
    chosen = tfprune.exporters.choose_bits(model, distance, tolerance)
    small = tfprune.compress.quantize_weights(model, chosen)
    if tolerance:
        assert distance(small) <= tolerance
        order = [2, 3, 4, 5, 6, "float16"]
        assert order.index(chosen["coarse"]) < order.index(chosen["fine"])
    else:
        assert set(chosen.values()) == {"float16"}


def test_a_negative_tolerance_is_refused():
    with pytest.raises(ValueError, match="from 0 on"):
        tfprune.exporters.choose_bits(net(), distance, -1.0)
