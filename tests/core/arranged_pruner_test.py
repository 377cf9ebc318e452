"""Arranged kernels, beside a plain search along the axes that are summed."""

import dataclasses
import itertools
import types

import numpy as np
import pytest

from tfprune.core import allocation
from tfprune.core import arranged_pruner
from tfprune.core import pruner
from tfprune.core import selection
from tfprune.core import sparsity_schedules
from tfprune.core import structures

RULE = pruner.Pruner(
    structure=structures.NM(2, 4),
    allocation=allocation.Pattern(2, 4),
    selection=selection.TopK(row=4),
    sparsity_schedule=sparsity_schedules.Constant(0.5),
)
# Two units: shapes and axes of their kernels.
KERNELS = [
    [((3, 2, 5, 8), (-1,)), ((8, 3), None)],
    [((2, 4, 3, 2), (0, 1)), ((2, 3, 2), (0, 2)), ((3, 4), (1,))],
]


def make_units(kernels):
    return [
        types.SimpleNamespace(
            targets=[
                types.SimpleNamespace(
                    variable=types.SimpleNamespace(shape=shape),
                    summed_axes=axes,
                )
                for shape, axes in own
            ]
        )
        for own in kernels
    ]


def normal(seed=0):
    rng = np.random.default_rng(seed)
    return [
        [rng.normal(size=shape).astype("float32") for shape, _ in own]
        for own in KERNELS
    ]


def everything():
    return [[np.ones(shape, bool) for shape, _ in own] for own in KERNELS]


def kept_of(kernel, axes, n, m):
    """Marks the n largest of m along some axes, block by block."""
    rank = kernel.ndim
    axes = [axis % rank for axis in axes or (-2,)]
    others = [axis for axis in range(rank) if axis not in axes]
    mask = np.zeros(kernel.shape, bool)
    for other in np.ndindex(*[kernel.shape[axis] for axis in others]):
        places = []
        for own in itertools.product(*[range(kernel.shape[a]) for a in axes]):
            place = dict(zip(others + axes, other + own, strict=True))
            places.append(tuple(place[axis] for axis in range(rank)))
        for begin in range(0, len(places), m):
            block = places[begin : begin + m]
            block.sort(key=lambda place: -abs(kernel[place]))
            for place in block[:n]:
                mask[place] = True
    return mask


def assert_all_equal(arrays, expected):
    for own, wanted in zip(arrays, expected, strict=True):
        for array, other in zip(own, wanted, strict=True):
            np.testing.assert_array_equal(array, other)


def test_masks_are_those_of_a_plain_search():
    weights = normal()
    rule = arranged_pruner.over(RULE, make_units(KERNELS))
    state = [{}, {}]
    masks = rule.masks(state, weights, everything(), 0, [{}, {}])
    expected = [
        [
            kept_of(kernel, axes, 2, 4)
            for kernel, (_, axes) in zip(own, kernels, strict=True)
        ]
        for own, kernels in zip(weights, KERNELS, strict=True)
    ]
    assert_all_equal(masks, expected)
    due = rule.due(0, [{}, {}])
    both = weights, everything()
    masks = rule.update_masks(state, *both, due, 0, [{}, {}])
    assert_all_equal(masks, expected)


def test_a_unit_that_is_not_due_stays():
    rule = arranged_pruner.over(RULE, make_units(KERNELS))
    old = [[array > 1 for array in own] for own in normal(1)]
    due = np.zeros(2, bool)
    masks = rule.update_masks([{}, {}], normal(), old, due, 0, [{}, {}])
    assert_all_equal(masks, old)


def test_kernels_that_are_as_they_should_need_no_other_pruner():
    units = make_units([[((8, 3), None)], [((3, 3, 4, 2), None)]])
    assert arranged_pruner.over(RULE, units) is RULE


@dataclasses.dataclass(frozen=True)
class Recording(pruner.Pruner):
    """Keeps what it is shown; halves weights in `project`."""

    shown: dict = dataclasses.field(default_factory=dict)
    needs_update_hooks = True

    def build(self, weights, settings):
        self.shown["build"] = weights
        return [{"one": 1.0}, {}], settings

    def describe(self, weights, settings, names):
        self.shown["describe"] = weights
        return " ".join(names)

    def observe(self, state, weights, gradients):
        self.shown["observe"] = weights
        self.shown["gradients"] = gradients
        return state

    def project(self, state, old, new, rate, settings):
        self.shown["old"], self.shown["new"] = old, new
        return [[array / 2 for array in own] for own in new]


ARRANGED = [[(3, 2, 8, 5), (8, 3)], [(3, 8, 2), (4, 3), (4, 3)]]


def shapes(arrays):
    return [[tuple(array.shape) for array in own] for own in arrays]


def test_a_rule_is_shown_arranged_kernels_everywhere():
    inner = Recording()
    rule = arranged_pruner.over(inner, make_units(KERNELS))
    weights = normal()
    state, _ = rule.build(weights, [{}, {}])
    assert state == [{"one": 1.0}, {}]
    assert rule.describe(weights, [{}, {}], ["a", "b"]) == "a b"
    assert rule.observe(state, weights, normal(1)) == state
    halves = rule.project(state, weights, normal(1), 0.1, [{}, {}])
    expected = [[array / 2 for array in own] for own in normal(1)]
    assert_all_equal(halves, expected)
    assert set(inner.shown) == {
        "build", "describe", "observe", "gradients", "old", "new"
    }  # fmt: skip
    for name, arrays in inner.shown.items():
        assert shapes(arrays) == ARRANGED, name


def test_a_kernel_without_a_gradient_has_none():
    inner = Recording()
    rule = arranged_pruner.over(inner, make_units(KERNELS))
    gradients = [[None] * len(own) for own in KERNELS]
    rule.observe([{}, {}], normal(), gradients)
    assert inner.shown["gradients"] == gradients


@pytest.mark.parametrize("name", ["gradient", "needs_update_hooks", "settings"])
def test_the_rest_is_the_rule(name):
    rule = arranged_pruner.over(Recording(), make_units(KERNELS))
    assert getattr(rule, name) == getattr(Recording(), name)
