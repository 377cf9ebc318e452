"""Accuracy by rank is that of the factorised net, and ranks keep it."""

import numpy as np
import pytest

import tfprune
from tests.search import nets
from tfprune import planning
from tfprune.compress.low_rank import forms


def accuracy(model, data):
    x, y = data
    return np.mean(np.argmax(model(x), axis=1) == y)


@pytest.mark.parametrize("method", ["pca", "svd", "lra"])
def test_accuracies_are_those_of_factorised_nets(method):
    model, data = nets.dense(), nets.data(200)
    found = planning.measure_rank_sensitivity(
        model, data, (1.0, 0.4, 0.2), method
    )
    assert found.dense == pytest.approx(accuracy(model, data))
    for name, ranks in found.ranks.items():
        for rank, measured in zip(ranks, found.accuracies[name], strict=True):
            small = tfprune.factorize(
                model, ranks={name: rank}, method=method, split_where="always"
            ).model
            assert accuracy(small, data) == pytest.approx(measured, abs=0.006)


def test_data_in_batches_and_the_net_untouched():
    model, data = nets.dense(), nets.data(50)
    before = model.get_weights()
    one, other = (
        planning.measure_rank_sensitivity(model, data, batch_size=size)
        for size in (None, 15)
    )
    for name, values in one.accuracies.items():
        np.testing.assert_allclose(values, other.accuracies[name], atol=1e-6)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_the_least_rank_that_costs_at_most_a_drop():
    found = planning.RankSensitivity(
        0.9,
        {"a": [8, 4, 2, 1], "b": [3, 1]},
        {"a": [0.9, 0.89, 0.7, 0.9], "b": [0.9, float("nan")]},
    )
    assert found.at(0.0) == {"a": 8, "b": 3}
    assert found.at(0.011) == {"a": 4, "b": 3}
    assert found.at(1.0) == {"a": 1, "b": 3}
    assert "a: 8 90.00%  4 89.00%" in str(found)


class TestChosenRanks:
    def test_keep_the_accuracy(self):
        model, data = nets.dense(), nets.data(200)
        plan = planning.choose_ranks(model, data, 0.05)
        assert plan.ranks and plan.limit is None
        found = tfprune.factorize(model, ranks=plan.ranks)
        assert found.table.ranks == plan.ranks
        dense, small = (accuracy(x, data) for x in (model, found.model))
        assert dense - small <= 0.051
        assert plan.accuracies == pytest.approx((dense, small), abs=0.006)

    def test_meet_a_budget(self):
        model, data = nets.dense(), nets.data(200)
        plan = planning.choose_ranks(model, data, 1.0, "parameters<=70%")
        table = tfprune.factorize(model, ranks=plan.ranks).table
        assert table.parameter_reduction >= 1 / 0.7

    def test_of_a_budget_that_is_met_anyway_are_none_that_cost(self):
        model, data = nets.dense(), nets.data(200)
        plan = planning.choose_ranks(model, data, 0.01, "macs<=100%")
        small = tfprune.factorize(model, ranks=plan.ranks).model
        assert accuracy(model, data) - accuracy(small, data) <= 0.011

    @pytest.mark.parametrize(
        ("budget", "message"),
        [
            ("macs<=30%", "must be met within accuracy_drop=0.*and loses"),
            ("macs<=25%", "The least possible is 436, which is 25.7%, at the"),
        ],
    )
    def test_that_are_too_few_are_refused(self, budget, message):
        with pytest.raises(ValueError, match=message):
            planning.choose_ranks(nets.dense(), nets.data(), 0.0, budget)


class TestBadInput:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"shares": (0.5, 0.1)}, "`shares` must be decreasing from 1"),
            ({"shares": (1.0, 0.0)}, "`shares` must be decreasing from 1"),
            ({"method": "pcs"}, "Did you mean 'pca'"),
            ({"method": forms.Channels(forms.KMeans())}, "`method` must"),
            ({"batch_size": 0}, "`batch_size`"),
        ],
    )
    def test_arguments(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            planning.measure_rank_sensitivity(
                nets.dense(), nets.data(), **arguments
            )

    def test_a_drop_below_0(self):
        with pytest.raises(ValueError, match="`accuracy_drop` must be >= 0"):
            planning.choose_ranks(nets.dense(), nets.data(), -0.1)

    def test_data_of_two_sizes(self):
        x, y = nets.data()
        with pytest.raises(ValueError, match="`data` must be two arrays"):
            planning.choose_ranks(nets.dense(), (x, y[1:]))
