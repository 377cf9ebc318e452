"""The parts joined: which masks change, at which step, and to what."""

import numpy as np
import pytest
import tensorflow as tf

from tests import deciding
from tfprune.core import allocation
from tfprune.core import criteria
from tfprune.core import pruner
from tfprune.core import selection
from tfprune.core import sparsity_schedules
from tfprune.core import structures
from tfprune.core import update_schedules
from tfprune.utils import serialization

A = np.array([[0.1, -0.9, 0.3], [0.4, 0.2, -0.8]], "float32")
B = np.array([0.5, -0.05, 0.6, 0.7], "float32")
NAN = float("nan")


def ones(weights):
    return [[np.ones(array.shape, bool) for array in unit] for unit in weights]


def decide(rule, weights, step, masks=None, settings=None):
    """Decides as an optimizer would; returns masks as nested lists."""
    state, settings = rule.build(
        weights, settings or [dict(rule.settings) for _ in weights]
    )
    masks = ones(weights) if masks is None else masks
    decided = deciding.decide(rule, state, weights, masks, step, settings)
    return [[np.array(mask) for mask in unit] for unit in decided]


def sparsities(masks):
    return [[float(1 - mask.mean()) for mask in unit] for unit in masks]


@serialization.serializable
class OnSteps(serialization.Serializable):
    """Unit number i is due at step i."""

    settings = {}

    def due(self, step, unit, settings):
        return tf.equal(step, unit)


class TestDecide:
    def test_keeps_the_largest_half_of_each_unit(self):
        a, b = decide(pruner.Pruner(), [[A], [B]], step=0)
        assert a[0].tolist() == [[0, 1, 0], [1, 0, 1]]
        assert b[0].tolist() == [0, 0, 1, 1]

    def test_arrays_of_a_unit_compete(self):
        """0.9, 0.8, 0.7, 0.6, 0.5 of both."""
        (unit,) = decide(pruner.Pruner(), [[A, B]], step=0)
        assert unit[0].tolist() == [[0, 1, 0], [0, 0, 1]]
        assert unit[1].tolist() == [1, 0, 1, 1]

    def test_what_is_pruned_may_only_return_with_a_dense_gradient(self):
        """With a masked one, its value is zero, whatever momentum did."""
        masks = [[np.array([False, True, True, False])]]
        (unit,) = decide(pruner.Pruner(), [[B]], 0, masks)
        assert unit[0].tolist() == [0, 1, 1, 0]
        (unit,) = decide(pruner.Pruner(gradient="dense"), [[B]], 0, masks)
        assert unit[0].tolist() == [0, 0, 1, 1]

    def test_pruned_garbage_stays_out(self):
        weights = [[np.array([NAN, 0.1, 0.2, np.inf], "float32")]]
        masks = [[np.array([False, True, True, False])]]
        (unit,) = decide(pruner.Pruner(), weights, 0, masks)
        assert unit[0].tolist() == [0, 1, 1, 0]

    def test_nothing_changes_between_the_due_steps(self):
        every = update_schedules.Every(10, 10, 20)
        rule = pruner.Pruner(update_schedule=every, gradient="dense")
        old = [[np.array([[True, False, True], [False, False, True]])]]
        for step in (0, 9, 11, 19, 21, 30):
            (unit,) = decide(rule, [[A]], step, old)
            np.testing.assert_array_equal(unit[0], old[0][0])
        for step in (10, 20):
            (unit,) = decide(rule, [[A]], step, old)
            assert unit[0].tolist() == [[0, 1, 0], [1, 0, 1]]

    def test_a_unit_that_is_not_due_keeps_its_mask(self):
        rule = pruner.Pruner(update_schedule=OnSteps())
        weights = [[A], [B], [A, B]]
        for step in range(4):
            decided = sparsities(decide(rule, weights, step))
            pruned = [max(unit) > 0 for unit in decided]
            assert pruned == [step == unit for unit in range(3)]

    def test_neither_arguments_nor_state_change(self):
        weights, masks = [[A.copy()], [B.copy()]], ones([[A], [B]])
        state, settings = [{}, {}], [{"target_sparsity": NAN}] * 2
        rule = pruner.Pruner()
        deciding.decide(rule, state, weights, masks, 0, settings)
        np.testing.assert_array_equal(weights[0][0], A)
        assert all(mask.all() for unit in masks for mask in unit)
        assert state == [{}, {}]

    @pytest.mark.parametrize(
        "rule",
        [
            pruner.Pruner(
                update_schedule=update_schedules.Every(2),
                sparsity_schedule=sparsity_schedules.Polynomial(
                    0.0, 0.75, 0, 6
                ),
                allocation=allocation.Global(),
            ),
            pruner.Pruner(
                update_schedule=update_schedules.Probabilistic(gamma=0.5),
                allocation=allocation.ErdosRenyiKernel(),
            ),
            pruner.Pruner(
                structure=structures.Block(2, 1),
                criterion=criteria.GroupNorm(),
                update_schedule=update_schedules.Every(1, 2),
            ),
            pruner.Pruner(
                structure=structures.NM(1, 2),
                allocation=allocation.Pattern(1, 2),
                selection=selection.TopK(row=2),
            ),
        ],
        ids=["global", "erk and probabilistic", "blocks", "n:m"],
    )
    def test_xla_equals_eager(self, rule):
        rng = np.random.default_rng(0)
        weights = [
            [rng.normal(size=shape).astype("float32")]
            for shape in [(6, 4), (2, 3)]
        ]
        settings = [{k: tf.constant(v) for k, v in rule.settings.items()}] * 2

        def run(masks, step):
            return deciding.decide(
                rule, [{}, {}], weights, masks, step, settings
            )

        compiled = tf.function(run, jit_compile=True)
        masks = [[tf.constant(mask) for mask in unit] for unit in ones(weights)]
        for step in range(4):
            fast = compiled(masks, tf.constant(step))
            masks = run(masks, step)
            for decided, expected in zip(fast, masks, strict=True):
                np.testing.assert_array_equal(decided, expected)

    def test_masks_of_blocks(self):
        rule = pruner.Pruner(structure=structures.Block(2, 1))
        (unit,) = decide(rule, [[A[:, :2]]], step=0)
        # Column means: 0.25 and 0.55.
        assert unit[0].tolist() == [[0, 1], [0, 1]]


class TestSparsityOfAUnit:
    """The setting `target_sparsity` scales the schedule of one unit."""

    weights = [[np.arange(1.0, 101.0, dtype="float32")]] * 2

    def run(self, rule, step, *targets):
        settings = [{"target_sparsity": t} for t in targets]
        masks = decide(rule, self.weights, step, settings=settings)
        return [round(unit[0], 2) for unit in sparsities(masks)]

    def test_nan_follows_the_others(self):
        assert self.run(pruner.Pruner(), 0, NAN, 0.8) == [0.5, 0.8]

    def test_zero_prunes_nothing(self):
        assert self.run(pruner.Pruner(), 0, NAN, 0.0) == [0.5, 0.0]

    def test_above_the_target_of_the_others(self):
        rule = pruner.Pruner(sparsity_schedule=sparsity_schedules.Constant(0.1))
        assert self.run(rule, 0, NAN, 0.95) == [0.1, 0.95]

    def test_follows_the_ramp(self):
        """Linear from 0 to 0.8; the unit's own from 0 to 0.4."""
        rule = pruner.Pruner(
            update_schedule=update_schedules.Every(1),
            sparsity_schedule=sparsity_schedules.Polynomial(0, 0.8, 0, 4, 1.0),
        )
        runs = [self.run(rule, step, NAN, 0.4) for step in range(6)]
        others, own = zip(*runs, strict=True)
        assert others == (0.0, 0.2, 0.4, 0.6, 0.8, 0.8)
        assert own == (0.0, 0.1, 0.2, 0.3, 0.4, 0.4)

    def test_may_be_a_tensor(self):
        tensors = tf.constant(NAN), tf.constant(0.25)
        assert self.run(pruner.Pruner(), 0, *tensors) == [0.5, 0.25]


class TestTheEnd:
    """What a unit is to be in the end, and when."""

    @pytest.mark.parametrize(
        ("parts", "own", "expected"),
        [
            ({}, {"target_sparsity": NAN}, 0.5),
            ({}, {"target_sparsity": 0.9}, 0.9),
            ({"allocation": allocation.Global()}, {}, None),
            ({"allocation": allocation.ErdosRenyiKernel()}, {}, None),
            ({"allocation": allocation.Explicit()}, {}, None),
            ({"allocation": allocation.Pattern(1, 4)}, {}, 0.5),
            ({"allocation": allocation.Pattern(3, 4)}, {}, 0.25),
        ],
    )
    def test_sparsity(self, parts, own, expected):
        assert pruner.Pruner(**parts).final_sparsity(own) == expected

    def test_a_rule_of_its_own_has_no_sparsity(self):
        class Own(pruner.Pruner):
            def masks(self, state, weights, masks, step, settings):
                return masks

        assert Own().final_sparsity({"target_sparsity": 0.5}) is None

    def test_step(self):
        ramp = sparsity_schedules.Polynomial(0, 0.8, 0, 95)
        rule = pruner.Pruner(sparsity_schedule=ramp)
        assert rule.target_step({}) == 100
        assert pruner.Pruner().target_step({}) == 1
        unknown = pruner.Pruner(update_schedule=OnSteps())
        assert unknown.target_step({}) is None


class TestContract:
    def test_settings_are_those_of_the_parts(self):
        rule = pruner.Pruner(
            update_schedule=update_schedules.Probabilistic(
                gamma=0.1, stop_step=7
            )
        )
        assert list(rule.settings) == [
            "target_sparsity",
            "stop_step",
            "gamma",
            "power",
        ]
        rule = pruner.Pruner(allocation=allocation.Global())
        assert rule.settings == {}

    def test_build_has_nothing_to_remember(self):
        settings = [{"target_sparsity": 0.5}, {}]
        state, completed = pruner.Pruner().build([[A], [B]], settings)
        assert state == [{}, {}]
        assert completed == settings

    def test_terms_observe_and_project_do_nothing(self):
        rule, state = pruner.Pruner(), [{}]
        assert not rule.needs_update_hooks and rule.terms == ()
        assert rule.observe(state, [[A]], [[A]]) is state
        new = [[B]]
        assert rule.project(state, [[A]], new, 0.1, [{}]) is new

    def test_one_step_may_be_replaced(self):
        class Fixed(pruner.Pruner):
            def budgets(self, state, scores, step, settings, shapes):
                return [1, 3]

        a, b = decide(Fixed(), [[A], [B]], step=0)
        assert a[0].sum() == 1 and b[0].sum() == 3
