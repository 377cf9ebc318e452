"""n:m pruning: exactly n of every m, along the axis that hardware reads."""

import numpy as np
import pytest

from tests import deciding
from tfprune import methods


def decide(method, step, w):
    rule = method.pruner
    masks = [[np.ones(w.shape, bool)]]
    (unit,) = deciding.decide(rule, [{}], [[w]], masks, step, [{}])
    return np.array(unit[0])


def normal(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def blocks(array, m, axis=-2):
    return np.moveaxis(array, axis, -1).reshape(-1, m)


def test_by_hand():
    """Kernel (4 inputs, 2 outputs): the two largest of each column."""
    w = np.array([[4, 1], [-3, 2], [2, -3], [1, 4]], "float32")
    mask = decide(methods.NM(2, 4), 0, w)
    assert mask.tolist() == [[1, 0], [1, 0], [0, 1], [0, 1]]


@pytest.mark.parametrize(
    "n, m", [(1, 2), (2, 4), (1, 4), (1, 3), (3, 8), (7, 16), (15, 16)]
)
@pytest.mark.parametrize("shape", [(48, 5), (3, 3, 48, 2)])
def test_exactly_n_of_every_m(n, m, shape):
    w = normal(*shape)
    mask = decide(methods.NM(n, m), 0, w)
    assert (blocks(mask, m).sum(axis=1) == n).all()
    kept = np.where(blocks(mask, m), np.abs(blocks(w, m)), np.inf)
    pruned = np.where(blocks(mask, m), 0, np.abs(blocks(w, m)))
    assert (kept.min(axis=1) > pruned.max(axis=1)).all()


def test_ties_and_zeros_keep_the_pattern():
    for w in (np.zeros((8, 3), "float32"), np.ones((8, 3), "float32")):
        mask = decide(methods.NM(2, 4), 0, w)
        assert (blocks(mask, 4).sum(axis=1) == 2).all()


def test_along_another_axis():
    mask = decide(methods.NM(1, 4, axis=-1), 0, normal(3, 8))
    assert (blocks(mask, 4, axis=-1).sum(axis=1) == 1).all()


def test_one_weight_after_the_other():
    method = methods.NM(2, 4, begin_step=0, end_step=100, frequency=10)
    kept = []
    for step in range(0, 101, 10):
        counts = blocks(decide(method, step, normal(8, 3)), 4).sum(axis=1)
        assert len(set(counts)) == 1
        kept.append(int(counts[0]))
    # Sparsity 0.5 * (1 - left^3): a quarter at left = 0.79, a half at 0.
    assert kept == [4, 4, 4, 3, 3, 3, 3, 3, 3, 3, 2]


def test_at_once_without_an_end():
    method = methods.NM(1, 4, begin_step=20, frequency=10)
    assert decide(method, 10, normal(8, 3)).all()
    assert decide(method, 20, normal(8, 3)).sum() == 6
    assert decide(method, 30, normal(8, 3)).sum() == 6


def test_only_kernels_and_what_is_pruned_stays_zero():
    method = methods.NM()
    assert method.name == "nm"
    assert method.roles == ("kernel",)
    assert method.pruner.gradient == "masked"
    assert method.pruner.settings == {}


def test_layers_stay_dense_by_settings():
    assert methods.NM(settings={"fc": None}).settings == {"fc": None}
