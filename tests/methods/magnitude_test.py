"""Magnitude pruning: which weights, when, and every option."""

import numpy as np
import pytest

from tests import deciding
from tfprune import methods
from tfprune.core import allocation
from tfprune.core import criteria
from tfprune.core import sparsity_schedules
from tfprune.core import structures
from tfprune.core import update_schedules

W = np.random.default_rng(0).normal(size=(20, 10)).astype("float32")
V = np.random.default_rng(1).normal(size=(10, 5)).astype("float32")


def decide(method, step, weights=([W],), masks=None):
    """Returns the masks after a step, one list for each layer."""
    rule, weights = method.pruner, [list(unit) for unit in weights]
    masks = masks or [[np.ones(w.shape, bool) for w in u] for u in weights]
    state, settings = rule.build(weights, [dict(rule.settings)] * len(weights))
    decided = deciding.decide(rule, state, weights, masks, step, settings)
    return [[np.array(mask) for mask in unit] for unit in decided]


def sparsity(method, step, **options):
    (unit,) = decide(method, step, **options)
    return round(float(1 - unit[0].mean()), 3)


def test_the_smallest_go():
    (unit,) = decide(methods.Magnitude(0.75), step=0)
    magnitudes = np.abs(W)
    assert unit[0].sum() == 50
    assert magnitudes[unit[0]].min() > magnitudes[~unit[0]].max()


def test_only_kernels_and_what_is_pruned_stays_zero():
    method = methods.Magnitude()
    assert method.name == "magnitude"
    assert method.roles == ("kernel",)
    assert method.pruner.gradient == "masked"


def test_without_an_end_the_target_holds_at_once_and_for_ever():
    method = methods.Magnitude(0.8, begin_step=5, frequency=10)
    due = {step: sparsity(method, step) for step in (4, 5, 6, 15, 100_005)}
    assert due == {4: 0.0, 5: 0.8, 6: 0.0, 15: 0.8, 100_005: 0.8}


def test_with_an_end_it_ramps_up():
    method = methods.Magnitude(0.64, begin_step=10, end_step=50, frequency=10)
    due = {step: sparsity(method, step) for step in range(0, 80, 10)}
    # 0.64 * (1 - left^3) with left = 1, 3/4, 1/2, 1/4, 0; then nothing more.
    assert due == {
        0: 0.0,
        10: 0.0,
        20: 0.37,
        30: 0.56,
        40: 0.63,
        50: 0.64,
        60: 0.0,
        70: 0.0,
    }


def test_a_pruned_weight_stays_pruned_while_the_sparsity_grows():
    method = methods.Magnitude(0.9, end_step=40, frequency=10)
    rng, weights, masks = np.random.default_rng(0), W, None
    for step in range(0, 50, 10):
        old = masks
        masks = decide(method, step, [[weights]], masks)
        if old is not None:
            assert not (masks[0][0] & ~old[0][0]).any()
        weights = rng.normal(size=W.shape).astype("float32")
    assert masks[0][0].sum() == 20


def test_a_schedule_replaces_the_four_arguments():
    class ConstantSparsity:
        def get_config(self):
            config = dict(
                target_sparsity=0.3, begin_step=2, end_step=8, frequency=3
            )
            return {"class_name": "ConstantSparsity", "config": config}

    method = methods.Magnitude(schedule=ConstantSparsity())
    assert method.pruner.update_schedule == update_schedules.Every(3, 2, 8)
    assert method.pruner.sparsity_schedule == sparsity_schedules.Constant(0.3)


def test_blocks():
    method = methods.Magnitude(0.5, structure=structures.Block(4, 2))
    (unit,) = decide(method, step=0)
    tiles = unit[0].reshape(5, 4, 5, 2).swapaxes(1, 2).reshape(25, 8)
    assert (tiles.all(axis=1) | ~tiles.any(axis=1)).all()
    assert tiles.all(axis=1).sum() == 12
    means = np.abs(W).reshape(5, 4, 5, 2).mean(axis=(1, 3)).ravel()
    kept = tiles.all(axis=1)
    assert means[kept].min() > means[~kept].max()


def test_global_allocation_ranks_the_net():
    method = methods.Magnitude(0.6, allocation=allocation.Global())
    first, second = decide(method, 0, [[W], [V]])
    together = np.concatenate([np.ravel(W), np.ravel(V)])
    threshold = np.sort(np.abs(together))[-100]
    np.testing.assert_array_equal(first[0], np.abs(W) >= threshold)
    np.testing.assert_array_equal(second[0], np.abs(V) >= threshold)


def test_erdos_renyi_kernel_allocation():
    rule = allocation.ErdosRenyiKernel()
    method = methods.Magnitude(0.8, allocation=rule)
    first, second = decide(method, 0, [[W], [V]])
    # 50 kept, shared out by inputs + outputs: 30 to 15.
    assert (first[0].sum(), second[0].sum()) == (33, 17)


def test_settings_reach_the_method():
    settings = {"fc": {"target_sparsity": 0.9}, "conv.*": None}
    method = methods.Magnitude(0.5, settings=settings)
    assert method.settings == settings
    assert list(method.pruner.settings) == ["target_sparsity"]


@pytest.mark.parametrize(
    "rule", [allocation.Global(), allocation.ErdosRenyiKernel()]
)
def test_units_that_share_have_no_sparsity_of_their_own(rule):
    assert methods.Magnitude(allocation=rule).pruner.settings == {}


def test_defaults():
    rule = methods.Magnitude().pruner
    assert rule.structure == structures.Unstructured()
    assert rule.criterion == criteria.Magnitude()
    assert rule.allocation == allocation.Uniform()
    assert rule.update_schedule == update_schedules.Every(100, 0, -1)
    assert rule.sparsity_schedule == sparsity_schedules.Constant(0.5)
