"""What a search minimises: parameters, MACs and bytes, as the report counts."""

import numpy as np
import pytest

import tfprune
from tests.search import nets
from tfprune import methods
from tfprune import planning
from tfprune.core import units
from tfprune.planning import cost_models
from tfprune.search import problem as problem_lib
from tfprune.utils import quantities

KEPT = np.array([[10, 1, 100, 2, 5, 0], [72, 4, 512, 8, 32, 4]])


def build(name, model=None):
    model = model or nets.pruned()
    targets = [
        target
        for unit in units.tagged(model.variables)
        for target in unit.targets
    ]
    return cost_models.of_weights(name, model, targets)


def test_parameters():
    objective = build("parameters")
    assert objective.dense == 632
    assert objective(KEPT).tolist() == [118, 632]


def test_macs():
    """4 x 4 places of the convolution, biases for nothing."""
    objective = build("macs")
    assert objective.dense == 16 * 72 + 512 + 32
    assert objective(KEPT)[0] == 16 * 10 + 100 + 5


def test_bytes():
    objective = build("bytes")
    assert objective.dense == 4 * 632
    # The two entries of a bias of 8 with indices, 1 of 4 as well.
    assert objective(KEPT)[0] == 8 * 118


def test_what_has_no_mask_costs_the_same_always():
    method = methods.Surgery(settings={"conv": None})
    model = nets.pruned(method)
    for name, rest in (("parameters", 76), ("macs", 16 * 72)):
        objective = build(name, model)
        assert objective(np.array([[0, 0, 0, 0]]))[0] == rest
        assert objective.dense > rest


def test_report_counts_the_same():
    model = nets.pruned()
    problem = problem_lib.Problem(model, nets.data(), 1.0)
    problem.apply([0.5, 1.0, 0.0])
    kept = np.array([[mask.sum() for mask in nets.masks(model)]])
    total = tfprune.report(model).total
    assert build("parameters", model)(kept)[0] == total.kept
    assert build("macs", model)(kept)[0] == total.macs_kept


class Int8Bytes(cost_models.CostModel):
    """One byte for each weight that is kept."""

    unit = "bytes of int8"
    units = quantities.BYTES

    def cost(self, arrays, kept):
        return kept


def test_a_cost_of_ones_own_is_one_class(monkeypatch):
    monkeypatch.setitem(cost_models.COSTS, "int8", Int8Bytes())
    plan = tfprune.plan_budget(nets.dense(), "magnitude", "int8<=0.3KB")
    assert 290 < plan.cost <= plan.limit == 300 and plan.dense == 632
    assert " of 632 bytes of int8, 300 allowed, " in str(plan)
    plan = planning.plan_filters(nets.dense(), "int8<=400")
    assert 300 < plan.cost <= 400
    found = tfprune.factorize(nets.dense(), budget="int8<=450")
    assert 300 < found.model.count_params() <= 450
    problem = problem_lib.Problem(
        nets.pruned(), nets.data(), 1.0, objective="int8"
    )
    assert problem.objective(KEPT).tolist() == [118, 632]


def test_unknown():
    with pytest.raises(ValueError, match="Did you mean 'macs'"):
        build("mac")


class Energy(cost_models.CostModel):
    """Picojoules of MACs, far less than one for a small model."""

    unit = "pJ"
    units = {"pj": 1.0}

    def cost(self, arrays, kept):
        return 1e-6 * kept * arrays.uses


def test_a_cost_may_be_a_fraction(monkeypatch):
    monkeypatch.setitem(cost_models.COSTS, "energy", Energy())
    model = nets.dense()
    macs, energy = (
        planning.plan_filters(model, f"{name}<=50%")
        for name in ("macs", "energy")
    )
    assert energy.sparsities == macs.sparsities
    assert energy.dense == pytest.approx(1e-6 * macs.dense)
    with pytest.raises(ValueError, match="'energy<=50%', 'energy<=2pj'"):
        planning.plan_filters(model, "energy=50%")
