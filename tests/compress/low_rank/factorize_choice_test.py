"""factorize: how budgets and data choose what is kept."""

import numpy as np
import pytest
from keras import layers

import tfprune
from tests.compress.low_rank import low_rank_nets as thin_nets
from tfprune.compress.low_rank import forms


class TestBudget:
    @pytest.mark.parametrize("what", ["macs", "parameters", "bytes"])
    @pytest.mark.parametrize("limit", [30, 60])
    def test_is_met_and_almost_used_up(self, what, limit):
        model = thin_nets.residual_net()
        table = tfprune.factorize(model, budget=f"{what}<={limit}%").table
        reduction = {
            "macs": table.mac_reduction,
            "parameters": table.parameter_reduction,
            "bytes": table.parameter_reduction,
        }[what]
        assert limit / 100 - 0.06 < 1 / reduction <= limit / 100

    def test_of_the_whole_net_leaves_it_alone(self):
        assert not tfprune.factorize(
            thin_nets.residual_net(), budget="macs<=100%"
        ).table.ranks

    def test_that_no_rank_meets(self):
        with pytest.raises(ValueError, match="`budget` must be met.*at rank 1"):
            tfprune.factorize(thin_nets.residual_net(), budget="macs<=1%")

    def test_of_what_is_not_counted(self):
        with pytest.raises(ValueError, match="must be one of: param.* bytes"):
            tfprune.factorize(thin_nets.residual_net(), budget="filters<=1%")


class TestData:
    def test_answers_on_it_are_kept(self):
        model = thin_nets.one(
            layers.Conv2D(16, 3, activation="relu", name="conv")
        )
        x = thin_nets.noise(model, 70) * [1, 1, 0.01, 0.01] + [0, 0.3, 0, 0]
        errors = []
        for data in (x, None):
            found = tfprune.factorize(model, ranks={"conv": 6}, data=data)
            errors.append(np.mean((found.model(x) - model(x)) ** 2))
        assert errors[0] < 0.8 * errors[1]

    def test_means_move_to_the_bias(self):
        model = thin_nets.one(layers.Conv2D(8, 3, use_bias=False, name="conv"))
        x = thin_nets.noise(model, 20) + 1
        form = forms.Channels(forms.PCA(centered=True))
        found = tfprune.factorize(model, ranks={"conv": 2}, method=form, data=x)
        np.testing.assert_allclose(
            np.mean(found.model(x), axis=(0, 1, 2)),
            np.mean(model(x), axis=(0, 1, 2)),
            atol=1e-4,
        )

    def test_full_rank_is_exact_in_nested_nets_and_groups(self):
        model = thin_nets.residual_net()
        found = tfprune.factorize(
            model, 1.0, data=thin_nets.noise(model, 40), split_where="always"
        )
        assert all(row.is_split for row in found.table.rows)
        thin_nets.compare(model, found.model, 1e-4)
        model = thin_nets.one(layers.Conv2D(6, 3, groups=2))
        found = tfprune.factorize(
            model, 1.0, data=thin_nets.noise(model), split_where="always"
        )
        assert all(row.is_split for row in found.table.rows)
        thin_nets.compare(model, found.model)
