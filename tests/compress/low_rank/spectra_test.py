import keras
import numpy as np
import pytest
from keras import layers

import tfprune


def net():
    return keras.Sequential(
        [
            keras.Input((6, 6, 4)),
            layers.Conv2D(8, 3, name="conv"),
            layers.BatchNormalization(name="bn"),
            keras.Sequential([layers.Conv2D(6, 2, groups=2, name="inner")]),
        ]
    )


def test_energy_by_rank_of_each_layer():
    model = net()
    found = tfprune.compress.spectra(model).energies
    assert {name: len(x) for name, x in found.items()} == {
        "conv": 8,
        "inner": 3,
    }
    kernel = np.array(model.get_layer("conv").kernel, "float64")
    values = np.linalg.svd(kernel.reshape(-1, 8), compute_uv=False) ** 2
    np.testing.assert_allclose(
        found["conv"], np.cumsum(values) / values.sum(), 1e-6
    )


def test_ranks_keep_the_energy():
    model = net()
    spectra = tfprune.compress.spectra(model)
    energies, ranks = spectra.energies, spectra.ranks(0.8)
    assert list(ranks) == ["conv", "inner"]
    for name, rank in ranks.items():
        assert energies[name][rank - 1] >= 0.8 > energies[name][rank - 2]


@pytest.mark.filterwarnings("ignore:.*skips these layers")
@pytest.mark.parametrize("wrap", [False, True])
def test_masks_are_applied(wrap):
    model = tfprune.prune(net(), tfprune.methods.Surgery(0.7), wrap=wrap)
    mask = np.zeros((3, 3, 4, 8), bool)
    mask[..., :3] = True
    tfprune.set_mask(model, "conv", mask)
    assert tfprune.compress.spectra(model).ranks(1.0)["conv"] == 3


def test_a_table():
    found = tfprune.compress.spectra(net())
    lines = str(found).splitlines()
    ranks = [str(found.ranks(x)["conv"]) for x in (0.9, 0.95, 0.99)]
    assert lines[1].split() == ["conv", "8", *ranks]


def test_bad_input():
    with pytest.raises(ValueError, match="`energy` must be in"):
        tfprune.compress.spectra(net()).ranks(0.0)
    with pytest.raises(ValueError, match="Did you mean 'pca'"):
        tfprune.compress.spectra(net(), "pcs")
