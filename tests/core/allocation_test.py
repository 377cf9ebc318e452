"""How much of each unit."""

import math

import numpy as np
import pytest
import tensorflow as tf

from tfprune.core import allocation
from tfprune.core import sparsity_schedules

# Layers of LeNet-300-100 and of a small convolutional net.
LENET = [[(784, 300)], [(300, 100)], [(100, 10)]]
CONVNET = [[(3, 3, 3, 16)], [(3, 3, 16, 32)], [(1, 1, 32, 64)], [(64, 10)]]
TINY = [[(1, 1)], [(2, 1)], [(3, 2), (2,)]]

SPARSITIES = [0.0, 0.01, 0.1, 0.5, 0.9, 0.99]


def sizes(shapes):
    return [sum(math.prod(shape) for shape in unit) for unit in shapes]


def budgets(rule, sparsity, shapes, scores=None):
    """Calls an allocation as a Pruner does; returns integers."""
    if scores is None:
        scores = [np.zeros(size, "float32") for size in sizes(shapes)]
    wanted = sparsity if isinstance(sparsity, list) else [sparsity]
    wanted = [tf.constant(s, "float32") for s in wanted]
    if len(wanted) == 1:
        wanted = wanted * len(scores)
    return [int(budget) for budget in rule(scores, wanted, shapes)]


class TestUniform:
    @pytest.mark.parametrize(
        "sparsity, expected",
        [(0.0, [10, 4]), (0.5, [5, 2]), (0.75, [2, 1]), (0.99, [1, 1])],
    )
    def test_a_fraction_of_each_unit(self, sparsity, expected):
        shapes = [[(10,)], [(4,)]]
        assert budgets(allocation.Uniform(), sparsity, shapes) == expected

    def test_units_may_differ(self):
        shapes = [[(10,)], [(10,)]]
        assert budgets(allocation.Uniform(), [0.2, 0.7], shapes) == [8, 3]

    @pytest.mark.parametrize("sparsity", SPARSITIES)
    @pytest.mark.parametrize("size", [1, 2, 7, 1009, 235_200])
    def test_within_half_a_weight_and_never_none(self, sparsity, size):
        (kept,) = budgets(allocation.Uniform(), sparsity, [[(size,)]])
        wanted = (1 - sparsity) * size
        assert kept >= 1
        assert abs(kept - wanted) <= 0.51 or kept == 1

    def test_an_empty_unit_keeps_nothing(self):
        assert budgets(allocation.Uniform(), 0.5, [[(0,)]]) == [0]

    def test_has_a_setting(self):
        assert list(allocation.Uniform.settings) == ["target_sparsity"]
        assert math.isnan(allocation.Uniform.settings["target_sparsity"])


def water_filling(sizes, rates, density):
    """The reference: make the worst offender dense, share again, repeat."""
    sizes, rates = np.array(sizes, "float64"), np.array(rates)
    dense = np.zeros(len(sizes), bool)
    while not dense.all():
        left = density * sizes.sum() - sizes[dense].sum()
        epsilon = left / np.sum(sizes[~dense] * rates[~dense])
        densities = np.where(dense, 1.0, epsilon * rates)
        if densities.max() <= 1.0 + 1e-9:
            return densities
        dense |= densities == densities.max()
    return np.ones(len(sizes))


class TestErdosRenyiKernel:
    def test_by_hand(self):
        """Densities in the ratio (2 + 2) / 4 to (4 + 4) / 16: two to one."""
        shapes = [[(2, 2)], [(4, 4)]]
        # 6 of 20 kept: density 1/2 of the first, 1/4 of the second.
        rule = allocation.ErdosRenyiKernel()
        assert budgets(rule, 0.7, shapes) == [2, 4]

    def test_what_would_exceed_1_is_not_pruned(self):
        """14 of 20 kept: 4 of 4, the other 10 of the second."""
        shapes = [[(2, 2)], [(4, 4)]]
        rule = allocation.ErdosRenyiKernel()
        assert budgets(rule, 0.3, shapes) == [4, 10]

    @pytest.mark.parametrize("sparsity", SPARSITIES)
    @pytest.mark.parametrize("shapes", [LENET, CONVNET, TINY])
    def test_against_a_slow_water_filling(self, shapes, sparsity):
        kernels = [unit[0] for unit in shapes]
        rates = [sum(kernel) / math.prod(kernel) for kernel in kernels]
        expected = water_filling(sizes(shapes), rates, 1 - sparsity)
        kept = budgets(allocation.ErdosRenyiKernel(), sparsity, shapes)
        for mine, size, density in zip(
            kept, sizes(shapes), expected, strict=True
        ):
            assert abs(mine - max(size * density, 1)) <= 1
            if density == 1.0:
                assert mine == size

    @pytest.mark.parametrize("seed", range(10))
    def test_the_net_gets_its_target(self, seed):
        """Within one weight for each layer, at sparsity 0 exactly."""
        rng = np.random.default_rng(seed)
        shapes = [
            [tuple(rng.integers(1, 40, rng.choice([2, 4])).tolist())]
            for _ in range(rng.integers(1, 7))
        ]
        total = sum(sizes(shapes))
        for sparsity in SPARSITIES:
            kept = budgets(allocation.ErdosRenyiKernel(), sparsity, shapes)
            assert abs(sum(kept) - (1 - sparsity) * total) <= len(shapes)
        rule = allocation.ErdosRenyiKernel()
        assert budgets(rule, 0.0, shapes) == sizes(shapes)

    def test_a_ramp_starts_dense(self):
        """Rounding once made a layer of these sparse at sparsity 0."""
        shapes = [[(518,)], [(385,)], [(234,)]]
        rule = allocation.ErdosRenyiKernel()
        for seed in range(20):
            rng = np.random.default_rng(seed)
            own = [[tuple(rng.integers(1, 60, 3).tolist())] for _ in shapes]
            assert budgets(rule, 0.0, own) == sizes(own)

    def test_rate_is_that_of_the_kernel(self):
        """A bias is counted, but the shape of the kernel decides."""
        with_bias = [[(4, 4), (4,)], [(2, 2), (2,)]]
        reordered = [[(4,), (4, 4)], [(2,), (2, 2)]]
        rule = allocation.ErdosRenyiKernel()
        kept = budgets(rule, 0.7, with_bias)
        assert kept == budgets(rule, 0.7, reordered)
        # epsilon (20 / 2 + 6) = 7.8
        assert kept == [round(7.8 / 16 * 10), round(7.8 / 16 * 6)]

    def test_sparsity_may_be_traced(self):
        rule = allocation.ErdosRenyiKernel()
        scores = [np.zeros(size, "float32") for size in sizes(CONVNET)]

        @tf.function(jit_compile=True)
        def compiled(sparsity):
            return rule(scores, [sparsity] * len(scores), CONVNET)

        for sparsity in SPARSITIES:
            kept = [int(k) for k in compiled(tf.constant(sparsity))]
            assert kept == budgets(rule, sparsity, CONVNET)

    def test_has_no_settings(self):
        assert allocation.ErdosRenyiKernel.settings == {}


class TestGlobal:
    def test_the_best_of_all(self):
        scores = [[5.0, 1.0, 4.0], [3.0, 2.0, 0.0]]
        scores = [np.array(score, "float32") for score in scores]
        # Kept: 5, 4, 3.
        assert budgets(allocation.Global(), 0.5, None, scores) == [2, 1]

    @pytest.mark.parametrize("sparsity", SPARSITIES)
    def test_equals_ranking_the_concatenation(self, sparsity):
        rng = np.random.default_rng(0)
        scores = [
            (scale * rng.random(size)).astype("float32")
            for scale, size in [(1.0, 300), (0.5, 1000), (2.0, 7)]
        ]
        together = np.concatenate(scores)
        kept = max(round(together.size * (1 - sparsity)), 1)
        threshold = np.sort(together)[-kept]
        expected = [max(np.sum(score >= threshold), 1) for score in scores]
        assert budgets(allocation.Global(), sparsity, None, scores) == expected

    def test_never_empties_a_unit(self):
        scores = [np.full(10, 1.0, "float32"), np.full(10, 1e-6, "float32")]
        assert budgets(allocation.Global(), 0.9, None, scores) == [2, 1]

    def test_of_equal_scores_the_first_units_win(self):
        scores = [np.ones(4, "float32"), np.ones(4, "float32")]
        assert budgets(allocation.Global(), 0.5, None, scores) == [4, 1]

    def test_has_no_settings(self):
        assert allocation.Global.settings == {}


class TestPattern:
    def kept(self, rule, sparsity, blocks=6):
        (kept,) = budgets(rule, sparsity, None, [np.zeros(blocks * rule.m)])
        return kept

    def test_one_weight_of_a_block_after_the_other(self):
        """A linear schedule from 0 to a half: 4 of 4, 3 of 4, 2 of 4."""
        schedule = sparsity_schedules.Polynomial(0.0, 0.5, 0, 100, power=1.0)
        rule = allocation.Pattern(2, 4)
        kept = {
            step: self.kept(rule, float(schedule.sparsity(step)))
            for step in (0, 1, 48, 50, 51, 98, 100, 1000)
        }
        assert kept == {0: 4, 1: 4, 48: 4, 50: 3, 51: 3, 98: 3, 100: 2, 1000: 2}

    @pytest.mark.parametrize("m", [2, 3, 4, 8, 16, 22, 23])
    def test_ends_at_n_whatever_float32_makes_of_it(self, m):
        for n in range(1, m):
            rule = allocation.Pattern(n, m)
            assert self.kept(rule, 1.0 - n / m) == n, f"{n}:{m}"
            schedule = sparsity_schedules.Polynomial(
                0.0, 1.0 - n / m, begin_step=3, end_step=9
            )
            assert self.kept(rule, float(schedule.sparsity(9))) == n, f"{n}:{m}"

    def test_passes_every_count_on_the_way(self):
        schedule = sparsity_schedules.Polynomial(
            0.0, 1.0 - 7 / 16, begin_step=0, end_step=1000
        )
        rule = allocation.Pattern(7, 16)
        kept = [
            self.kept(rule, float(schedule.sparsity(step)))
            for step in range(0, 1001, 10)
        ]
        assert kept == sorted(kept, reverse=True)
        assert set(kept) == set(range(7, 17))

    def test_never_below_n(self):
        assert self.kept(allocation.Pattern(2, 4), 0.99) == 2

    def test_same_for_all_units(self):
        scores = [np.zeros(8), np.zeros(16), np.zeros(4)]
        rule = allocation.Pattern(1, 4)
        assert budgets(rule, 0.75, None, scores) == [1, 1, 1]


def test_explicit_needs_a_pruner_of_its_own():
    with pytest.raises(NotImplementedError, match="overrides `budgets`"):
        budgets(allocation.Explicit(), 0.5, [[(4,)]])
