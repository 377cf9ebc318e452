"""Budgets: met exactly, known before training, or refused with a way out."""

import logging
import warnings

import numpy as np
import pytest

import tfprune
from tests.search import nets
from tfprune import methods
from tfprune import planning

pytestmark = pytest.mark.filterwarnings("ignore:accuracy drops")


def accuracy(model, data):
    x, y = data
    return np.mean(np.argmax(model(x), axis=1) == y)


def train(model):
    model.compile(tfprune.PruningOptimizer("sgd"), loss="mse")
    x, _ = nets.data(16)
    model.fit(x, np.zeros((16, 4)), 8, verbose=0)
    return tfprune.report(model)


@pytest.mark.parametrize("data", [None, nets.data()])
@pytest.mark.parametrize(
    ("method", "budget", "limit"),
    [
        (methods.Magnitude(0.5, frequency=1), "parameters<=30%", 0.3 * 632),
        (methods.Magnitude(0.5, frequency=1), "macs<=500", 500),
        # A threshold of its own does not go before the budget.
        (methods.Surgery(c=9.0), "parameters<=30%", 0.3 * 632),
    ],
)
def test_trained_net_is_within_it(method, data, budget, limit):
    model = tfprune.prune(nets.dense(), method, budget=budget, data=data)
    total = train(model).total
    count = total.macs_kept if budget.startswith("macs") else total.kept
    # Training moves a few weights over surgery's threshold.
    assert 0.8 * limit <= count <= 1.08 * limit


def test_plan_is_logged_and_right(caplog, capsys):
    caplog.set_level(logging.INFO, "tfprune")
    tfprune.prune(nets.dense(), methods.Surgery(), budget="parameters<=20%")
    (record,) = caplog.records
    logged = record.getMessage().splitlines()
    head = ["layers", "weights", "least", "kept", "sparsity"]
    assert logged[0].split() == head
    assert logged[-1] == (
        "126 of 632 parameters, 126 allowed, 6 the least possible"
    )
    kept = [int(line.split()[3]) for line in logged[1:4]]
    assert sum(kept) == 126
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("data", [None, nets.data()])
def test_a_plan_made_before_is_the_same(data):
    model, budget = nets.dense(), "parameters<=20%"
    before = model.get_weights()
    plan = tfprune.plan_budget(model, "magnitude", budget, data=data)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    one, other = (
        tfprune.settings(tfprune.prune(nets.dense(), "magnitude", **arguments))
        for arguments in ({"budget": plan}, {"budget": budget, "data": data})
    )
    for name, own in plan.settings.items():
        target = own["target_sparsity"]
        assert one[name]["target_sparsity"] == pytest.approx(target)
        assert other[name]["target_sparsity"] == pytest.approx(target)
    pruned = tfprune.prune(model, "magnitude")
    assert planning.plan_weights(pruned, budget, data) == plan


def test_a_plan_takes_no_data():
    """They were of use when it was made."""
    plan = tfprune.plan_budget(nets.dense(), "magnitude", "macs<=50%")
    with pytest.raises(ValueError, match="`data` must be None beside a plan"):
        tfprune.prune(nets.dense(), "magnitude", budget=plan, data=nets.data())


def test_a_plan_of_layers_that_are_not_pruned():
    method = methods.Magnitude(settings={"hidden": None})
    plan = tfprune.plan_budget(nets.dense(), method, "parameters<=90%")
    assert [row.layers for row in plan.rows] == [("conv",), ("out",)]


def test_data_say_where_it_costs_least():
    model, data = nets.dense(), nets.data()
    alike = tfprune.prune(nets.dense(), "magnitude", budget="parameters<=20%")
    chosen = tfprune.prune(
        nets.dense(), "magnitude", budget="parameters<=20%", data=data
    )
    targets = [
        [s["target_sparsity"] for s in tfprune.settings(x).values()]
        for x in (alike, chosen)
    ]
    assert len(set(targets[0])) == 1 < len(set(targets[1]))
    plan = tfprune.plan_budget(model, "magnitude", "parameters<=20%", data=data)
    dense, pruned = plan.accuracies
    assert dense == pytest.approx(accuracy(model, data))
    assert plan.accuracy_drop == dense - pruned > 0
    assert f"accuracy before training: {dense:.2%} dense" in str(plan)


def test_a_drop_warns():
    arguments = {"budget": "parameters<=10%", "data": nets.data()}
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "accuracy drops")
        tfprune.prune(nets.dense(), "magnitude", accuracy_drop=1.0, **arguments)
    with pytest.warns(UserWarning, match="before training, more than"):
        tfprune.prune(nets.dense(), "magnitude", **arguments)


def test_nothing_meets_it():
    """Biases of magnitude pruning stay: 16 of 632."""
    with pytest.raises(ValueError, match=r"The least possible is 1\d,.*99.9%"):
        tfprune.prune(nets.dense(), "magnitude", budget="parameters<=1%")


def test_a_method_without_targets():
    with pytest.raises(ValueError, match="`setting` must be one of"):
        tfprune.prune(nets.dense(), "threshold_surgery", budget="macs<=50%")
