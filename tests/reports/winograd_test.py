import keras
import numpy as np
import pytest

import tfprune


def net():
    return keras.Sequential(
        [
            keras.Input((8, 8, 2)),
            keras.layers.Conv2D(4, 3, name="conv"),
            keras.layers.Conv2D(4, 3, strides=2, name="strided"),
            keras.layers.Dense(3, name="dense"),
        ]
    )


def test_of_weights_and_of_coefficients():
    model = net()
    kernel = model.get_layer("conv").kernel.numpy()
    kernel[..., 0] = 0
    model.get_layer("conv").kernel.assign(kernel)
    own = tfprune.to_winograd(model, "conv")
    for one in (model, own):
        found = tfprune.reports.winograd_sparsity(one, threshold=0.0)
        assert found == {"conv": pytest.approx(0.25)}
    every = tfprune.reports.winograd_sparsity(model, threshold=10.0)
    assert every == {"conv": 1.0}


def test_masks_count():
    model = tfprune.prune(net(), "magnitude", "conv")
    mask = np.ones((3, 3, 2, 4), bool)
    mask[..., :2] = False
    tfprune.set_mask(model, "conv", mask)
    assert tfprune.reports.winograd_sparsity(model, 0.0)["conv"] == 0.5
