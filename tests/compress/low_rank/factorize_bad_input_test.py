"""factorize: what it refuses, and says."""

import numpy as np
import pytest

import tfprune
from tests.compress.low_rank import low_rank_nets as thin_nets


class TestBadInput:
    @pytest.mark.parametrize("energy", [0, -0.1, 1.01, "high", True])
    def test_energy(self, energy):
        with pytest.raises(ValueError, match=r"`energy` must be in \(0, 1\]"):
            tfprune.factorize(thin_nets.low(), energy)

    @pytest.mark.parametrize("rank", [17, 0, 2.5, True])
    def test_rank(self, rank):
        message = (
            r"`ranks\['conv'\]` must be an integer from 1 to the full .*16"
        )
        with pytest.raises(ValueError, match=message):
            tfprune.factorize(thin_nets.low(), ranks={"conv": rank})

    def test_ranks_that_are_no_dict(self):
        with pytest.raises(ValueError, match="`ranks` must be a dict"):
            tfprune.factorize(thin_nets.low(), ranks=4)

    def test_a_layer_that_is_not_there(self):
        with pytest.raises(ValueError, match="Did you mean 'conv'"):
            tfprune.factorize(thin_nets.low(), ranks={"cnv": 4})

    def test_more_than_one_wish(self):
        with pytest.raises(ValueError, match="must be one of the three"):
            tfprune.factorize(thin_nets.low(), 0.9, budget="macs<=50%")

    @pytest.mark.parametrize(
        "wrong", [{"method": "pcs"}, {"split_where": "mac"}]
    )
    def test_unknown_names(self, wrong):
        with pytest.raises(ValueError, match="Did you mean"):
            tfprune.factorize(thin_nets.low(), **wrong)

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_weights_that_are_not_finite(self, value):
        model = thin_nets.low()
        kernel = np.array(model.layers[0].kernel)
        kernel[0, 0, 0, 0] = value
        model.layers[0].kernel.assign(kernel)
        with pytest.raises(ValueError, match="finite weights.*'conv'"):
            tfprune.factorize(model)

    def test_a_model_with_masks(self):
        with pytest.raises(ValueError, match="Call tfprune.strip first"):
            tfprune.factorize(
                tfprune.prune(thin_nets.low(), "magnitude", wrap=True)
            )

    def test_rounds(self):
        with pytest.raises(ValueError, match="`rounds`"):
            tfprune.factorize(thin_nets.low(), rounds=0)
