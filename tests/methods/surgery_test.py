"""Dynamic network surgery, against numbers computed from its equations.

The check vectors are a kernel and a bias that share one threshold.
"""

import math

import numpy as np
import pytest

from tests import deciding
from tfprune import methods

W = np.array([0.5, -0.1, 0.02, 0.3, -0.25, 0.0], "float32")
B = np.array([0.05, -0.4], "float32")
MU, SIGMA = 0.2314286, 0.1692360  # of the 7 that are not zero


def settings_of(method, **own):
    """The settings of one layer, as `prune` completes them."""
    values = {**method.pruner.settings, **own}
    return {k: math.nan if v is None else v for k, v in values.items()}


def build(method, unit, **own):
    """Returns the state and the settings of one unit."""
    rule = method.pruner
    (state,), (settings,) = rule.build([unit], [settings_of(method, **own)])
    return state, settings


def decide(method, unit, masks=None, step=0, built_on=None, **own):
    """Returns the masks of one unit after a step."""
    state, settings = build(method, built_on or unit, **own)
    masks = masks or [np.ones(array.shape, bool) for array in unit]
    (decided,) = deciding.decide(
        method.pruner, [state], [unit], [masks], step, [settings]
    )
    return [np.array(mask) for mask in decided]


def sparsity(masks):
    return 1.0 - np.mean(np.concatenate([np.ravel(mask) for mask in masks]))


class TestCheckVectors:
    def test_statistics_are_of_the_magnitudes_that_are_not_zero(self):
        state, _ = build(methods.Surgery(c=0.0), [W, B])
        assert state["mu"] == pytest.approx(MU, abs=1e-7)
        assert state["sigma"] == pytest.approx(SIGMA, abs=1e-7)

    @pytest.mark.parametrize(
        "c, t",
        [
            (0, 0.2314286),
            (0.5, 0.3160465),
            (1, 0.4006645),
            (-1, 0.0621926),
            (-2, 0.0),
        ],
    )
    def test_thresholds(self, c, t):
        rule = methods.Surgery(c=c).pruner
        state, settings = build(methods.Surgery(c=c), [W, B])
        (budget,) = rule.budgets([state], None, 0, [settings], None)
        assert float(budget) == pytest.approx(t, abs=1e-6)

    @pytest.mark.parametrize(
        "c, weights, biases",
        [
            (0.0, [1, 0, 0, 1, 1, 0], [0, 1]),
            (0.5, [1, 0, 0, 1, 0, 0], [0, 1]),
            (1.0, [1, 0, 0, 0, 0, 0], [0, 1]),
            (-1.0, [1, 1, 0, 1, 1, 0], [0, 1]),
            (-2.0, [1, 1, 1, 1, 1, 0], [1, 1]),
        ],
    )
    def test_masks(self, c, weights, biases):
        kernel, bias = decide(methods.Surgery(c=c), [W, B])
        assert kernel.tolist() == weights
        assert bias.tolist() == biases

    def test_hysteresis(self):
        """The weights moved; the threshold is still that of the first ones."""
        w = np.array([0.2, -0.3, 0.02, 0.2, -0.22, 0.25], "float32")
        old = [np.array([1, 1, 0, 0, 1, 0], bool), np.ones(2, bool)]
        kernel, _ = decide(methods.Surgery(c=0.0), [w, B], old, built_on=[W, B])
        assert kernel.tolist() == [0, 1, 0, 0, 1, 0]

    @pytest.mark.parametrize(
        "c, t, low, at, high",
        [
            (-1.0, 0.195, 0.861, 0.845, 0.830),
            (0.0, 0.798, 0.473, 0.425, 0.380),
            (1.0, 1.401, 0.207, 0.161, 0.123),
            (2.0, 2.004, 0.071, 0.045, 0.028),
            (3.0, 2.606, 0.019, 0.0092, 0.0041),
        ],
    )
    def test_what_c_means_for_a_gaussian(self, c, t, low, at, high):
        """The kept fraction at 0.9 t, t and 1.1 t."""
        x = np.random.default_rng(0).normal(size=300_000).astype("float32")
        method = methods.Surgery(c=c)
        state, _ = build(method, [x])
        threshold = state["mu"] + c * state["sigma"]
        assert threshold == pytest.approx(t, abs=0.01)
        kept = [np.mean(abs(x) > f * threshold) for f in (0.9, 1.0, 1.1)]
        np.testing.assert_allclose(kept, [low, at, high], atol=0.003)
        pruned_at_once = 1.0 - sparsity(decide(method, [x]))
        assert pruned_at_once == pytest.approx(low, abs=0.003)


class TestTargetSparsity:
    """c is solved so that the first decision gives the target."""

    @pytest.mark.parametrize("target", [0.0, 0.05, 0.3, 0.5, 0.9, 0.99])
    @pytest.mark.parametrize("size", [1, 2, 3, 10, 1000, 50_000])
    def test_within_one_weight(self, target, size):
        rng = np.random.default_rng(size)
        w = rng.normal(size=size).astype("float32")
        pruned = sparsity(decide(methods.Surgery(target), [w])) * size
        assert abs(pruned - target * size) <= 1

    @pytest.mark.parametrize("target", [0.1, 0.5, 0.9])
    @pytest.mark.parametrize("scale, shift", [(1e-6, 0), (1e4, 0), (0.01, 5)])
    def test_on_any_scale(self, target, scale, shift):
        rng = np.random.default_rng(0)
        w = (rng.normal(size=1000) * scale + shift).astype("float32")
        pruned = sparsity(decide(methods.Surgery(target), [w])) * 1000
        assert abs(pruned - target * 1000) <= 1

    def test_kernel_and_bias_share_it(self):
        rng = np.random.default_rng(0)
        kernel = rng.normal(size=(30, 10)).astype("float32")
        bias = 0.1 * rng.normal(size=10).astype("float32")
        masks = decide(methods.Surgery(0.8), [kernel, bias])
        assert masks[0].shape == (30, 10) and masks[1].shape == (10,)
        assert abs(310 * sparsity(masks) - 248) <= 1
        assert masks[1].mean() < masks[0].mean()

    def test_a_fresh_bias_of_zeros_goes_first(self):
        kernel = np.arange(1.0, 91.0, dtype="float32")
        masks = decide(methods.Surgery(0.5), [kernel, np.zeros(10, "float32")])
        assert not masks[1].any()
        assert (~masks[0]).sum() in (39, 40, 41)

    def test_equal_weights_can_not_be_told_apart(self):
        """No threshold splits them, so none goes."""
        w = np.full(100, 0.3, "float32")
        assert sparsity(decide(methods.Surgery(0.5), [w])) == 0.0

    def test_all_zeros_go(self):
        w = np.zeros(100, "float32")
        assert sparsity(decide(methods.Surgery(0.5), [w])) == 1.0

    @pytest.mark.parametrize("weights", [[0.3], [0.0], [0.3, 0.3], []])
    def test_tiny_layers_do_not_fail(self, weights):
        w = np.array(weights, "float32")
        for target in (0.0, 0.5, 0.99):
            (mask,) = decide(methods.Surgery(target), [w])
            assert mask.shape == w.shape

    def test_statistics_are_taken_once(self):
        """The solved c is a setting: it is saved, and not solved again."""
        rng = np.random.default_rng(0)
        w = rng.normal(size=1000).astype("float32")
        method = methods.Surgery(0.9)
        _, settings = build(method, [w])
        _, again = build(method, [3 * w], **settings)
        assert again["c"] == settings["c"]


class TestSettings:
    w = np.random.default_rng(0).normal(size=1000).astype("float32")

    def sparsity(self, method, layer="a"):
        own = method.settings.get(layer, {})
        return sparsity(decide(method, [self.w], **own))

    def test_c_is_3_by_default(self):
        assert methods.Surgery().pruner.settings["c"] == 3.0
        equal = self.sparsity(methods.Surgery(c=3.0))
        assert self.sparsity(methods.Surgery()) == equal

    def test_own_c_before_the_target_of_the_others(self):
        method = methods.Surgery(0.9, settings={"a": {"c": 0.0}})
        expected = self.sparsity(methods.Surgery(c=0.0))
        assert self.sparsity(method) == expected
        assert self.sparsity(method, "b") == pytest.approx(0.9, abs=1e-3)

    def test_own_target_before_the_c_of_the_others(self):
        for c in (None, 0.0):
            method = methods.Surgery(
                c=c, settings={"a": {"target_sparsity": 0.8}}
            )
            assert self.sparsity(method) == pytest.approx(0.8, abs=1e-3)

    def test_own_target_before_the_target_of_the_others(self):
        method = methods.Surgery(0.9, settings={"a": {"target_sparsity": 0.7}})
        assert self.sparsity(method) == pytest.approx(0.7, abs=1e-3)
        assert self.sparsity(method, "b") == pytest.approx(0.9, abs=1e-3)

    def test_other_settings_leave_the_threshold_alone(self):
        settings = {"a": {"stop_step": 10, "gamma": 0.0}}
        method = methods.Surgery(0.9, settings=settings)
        assert self.sparsity(method) == pytest.approx(0.9, abs=1e-3)
        method = methods.Surgery(c=0.0, settings=settings)
        expected = self.sparsity(methods.Surgery(c=0.0))
        assert self.sparsity(method) == expected

    def test_none_stays_none(self):
        assert methods.Surgery(settings={"a": None}).settings == {"a": None}

    def test_what_can_be_set(self):
        assert set(methods.Surgery().pruner.settings) == {
            "c",
            "target_sparsity",
            "gamma",
            "power",
            "stop_step",
        }


class TestTiming:
    def changed(self, step, **arguments):
        kernel, _ = decide(
            methods.Surgery(c=1.0, **arguments), [W, B], step=step
        )
        return not kernel.all()

    def test_always_at_step_0(self):
        assert self.changed(0)

    def test_every_step_without_decay(self):
        assert all(self.changed(step, gamma=0.0) for step in range(10))

    def test_final_from_stop_step_on(self):
        changed = [
            self.changed(step, gamma=0.0, stop_step=3) for step in range(6)
        ]
        assert changed == [True, True, True, False, False, False]

    def test_stop_step_0_leaves_a_layer_dense(self):
        kernel, _ = decide(methods.Surgery(c=1.0), [W, B], stop_step=0.0)
        assert kernel.all()

    def test_kernel_and_bias_share_one_coin(self):
        for step in range(15):
            kernel, bias = decide(
                methods.Surgery(c=1.0, gamma=0.2), [W, B], step=step
            )
            assert kernel.all() == bias.all()


def test_a_target_is_the_final_sparsity_but_c_tells_none():
    own = settings_of(methods.Surgery(0.9))
    assert methods.Surgery(0.9).pruner.final_sparsity(own) == 0.9
    own = settings_of(methods.Surgery(c=1.0))
    assert methods.Surgery(c=1.0).pruner.final_sparsity(own) is None


def test_what_is_pruned_goes_on_learning():
    method = methods.Surgery()
    assert method.pruner.gradient == "dense"
    assert method.roles == ("kernel", "bias")


def test_describe_tells_c_and_the_implied_sparsity():
    x = np.arange(1.0, 101.0, dtype="float32")
    method = methods.Surgery(0.5)
    _, settings = build(method, [x])
    text = method.pruner.describe([[x]], [settings], ["ip1"])
    assert "ip1" in text and f"c={settings['c']:7.3f}" in text
    # t = 50 / 0.9 = 55.6, 1.1 t = 61.1.
    assert text.split()[-3:] == ["50.00%", "55.00%", "61.00%"]
