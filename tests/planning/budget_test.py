"""Budgets: met exactly, known before training, or refused with a way out."""

import warnings

import numpy as np
import pytest

import tfprune
from tests.search import nets
from tfprune import methods

pytestmark = pytest.mark.filterwarnings("ignore:accuracy drops")


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


def test_table_is_printed_and_right(capsys):
    tfprune.prune(nets.dense(), methods.Surgery(), budget="parameters<=20%")
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split() == ["layer", "sparsity", "kept"]
    assert printed[-1] == "126 parameters, 126 allowed"
    kept = [int(line.split()[2]) for line in printed[1:4]]
    assert sum(kept) == 126


def test_data_say_where_it_costs_least(capsys):
    model, data = nets.dense(), nets.data()
    alike = tfprune.prune(model, "magnitude", budget="parameters<=20%")
    chosen = tfprune.prune(
        model, "magnitude", budget="parameters<=20%", data=data
    )
    targets = [
        [s["target_sparsity"] for s in tfprune.settings(x).values()]
        for x in (alike, chosen)
    ]
    assert len(set(targets[0])) == 1 < len(set(targets[1]))
    assert "accuracy before training" in capsys.readouterr().out


def test_a_drop_warns():
    arguments = {"budget": "parameters<=10%", "data": nets.data()}
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "accuracy drops")
        tfprune.prune(nets.dense(), "magnitude", accuracy_drop=1.0, **arguments)
    with pytest.warns(UserWarning, match="before training, more than"):
        tfprune.prune(nets.dense(), "magnitude", **arguments)


def test_nothing_meets_it():
    """Biases of magnitude pruning stay: 16 of 632."""
    with pytest.raises(ValueError, match=r"still costs 1\d: ask for that"):
        tfprune.prune(nets.dense(), "magnitude", budget="parameters<=1%")


def test_a_method_without_targets():
    with pytest.raises(ValueError, match="`setting` must be one of"):
        tfprune.prune(nets.dense(), "threshold_surgery", budget="macs<=50%")
