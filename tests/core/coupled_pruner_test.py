"""Groups of coupled filters, beside a plain search in NumPy."""

import dataclasses
import types

import numpy as np
import pytest

from tfprune.core import coupled_axis
from tfprune.core import coupled_pruner
from tfprune.core import criteria
from tfprune.core import pruner
from tfprune.core import structures
from tfprune.core import update_schedules

NAN = float("nan")


@dataclasses.dataclass
class Array:
    """A target, and the channels of its entries along an axis."""

    role: str
    shape: tuple
    axis: int
    channels: list

    def target(self, name):
        along = coupled_axis.CoupledAxis.of(
            name, self.role, self.axis, np.array(self.channels)
        )
        variable = types.SimpleNamespace(shape=self.shape)
        return types.SimpleNamespace(
            variable=variable, role=self.role, coupled_axis=along
        )


# Channels 0-3 are made by two kernels, 4 and 5 by one; the last filter stays.
LAYERS = [
    [Array("kernel", (2, 3, 4), -1, [0, 1, 2, 3])],
    [Array("kernel", (7, 2), 0, [3, 2, 1, 0, 5, 4, -1])],
    [Array("gamma", (9,), 0, [0, 1, 2, 3, 4, 5, 0, 1, 4])],
]


def scores(weights, roles):
    """The norm of all entries of each channel, in arrays of some roles."""
    squares = np.zeros(6)
    for unit, arrays in zip(LAYERS, weights, strict=True):
        for array, value in zip(unit, arrays, strict=True):
            rows = np.moveaxis(value, array.axis, 0)
            for channel, row in zip(array.channels, rows, strict=True):
                if channel >= 0 and array.role in roles:
                    squares[channel] += np.sum(row**2)
    return np.sqrt(squares)


@pytest.mark.parametrize(
    "roles", [("kernel",), ("gamma",), ("kernel", "gamma")]
)
def test_each_group_keeps_its_best_half(roles):
    random = np.random.default_rng(0)
    weights = [
        [random.normal(size=x.shape).astype("float32") for x in unit]
        for unit in LAYERS
    ]
    masks = [[np.ones(x.shape, bool) for x in unit] for unit in LAYERS]
    norm = criteria.GroupNorm()
    object.__setattr__(norm, "roles", roles)
    rule = pruner.Pruner(
        structure=structures.CoupledFilter(),
        criterion=norm,
        update_schedule=update_schedules.Every(1),
    )
    units = [
        types.SimpleNamespace(targets=[x.target("w") for x in unit])
        for unit in LAYERS
    ]
    settings = [{"target_sparsity": NAN} for _ in units]
    joined = coupled_pruner.over(rule, units)
    state, settings = joined.build(weights, settings)
    due = joined.due(0, settings)
    found = joined.update_masks(state, weights, masks, due, 0, settings)
    known = scores(weights, roles)
    kept = np.concatenate(
        [known[:4] > np.median(known[:4]), known[4:] > np.median(known[4:])]
    )
    kept = np.append(kept, True)  # What is -1 stays.
    for unit, own in zip(LAYERS, found, strict=True):
        for array, mask in zip(unit, own, strict=True):
            rows = np.moveaxis(np.array(mask), array.axis, 0)
            for channel, row in zip(array.channels, rows, strict=True):
                assert (row == kept[channel]).all()


def test_layers_by_themselves_are_not_joined():
    rule = pruner.Pruner(structure=structures.Filter())
    assert coupled_pruner.over(rule, []) is rule


def test_rules_that_project_weights_are_refused():
    """What couples decisions would lose their projections."""

    class Projecting(pruner.Pruner):
        def project(self, state, old, new, rate, settings):
            return new

    rule = Projecting(structure=structures.CoupledFilter())
    with pytest.raises(ValueError, match="must not be CoupledFilter"):
        coupled_pruner.over(rule, [])
