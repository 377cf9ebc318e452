"""The log of filters: one line for each layer, which anyone can read."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune import methods
from tfprune.callbacks import filter_log
from tfprune.core import structures

pytestmark = pytest.mark.filterwarnings("ignore:.*skips these layers")


def pruned(method):
    net = keras.Sequential(
        [
            keras.Input((4, 4, 1)),
            layers.Conv2D(3, 2, name="one"),
            layers.Conv2DTranspose(4, 2, name="two"),
            layers.Flatten(),
            layers.Dense(2, name="out"),
        ]
    )
    model = tfprune.prune(net, method)
    model.compile(tfprune.PruningOptimizer("sgd"), "mse", run_eagerly=True)
    return model


def fit(model, path, epochs=1):
    x, y = np.ones((2, 4, 4, 1)), np.ones((2, 2))
    log = tfprune.callbacks.FilterLog(path)
    model.fit(x, y, epochs=epochs, callbacks=[log], verbose=0)


def test_a_line_for_each_layer():
    """Filters of a transposed convolution lie along the last axis but one."""
    model = pruned(methods.FilterRanking())
    mask = np.ones((2, 2, 1, 3), bool)
    mask[..., 1] = False
    tfprune.set_mask(model, "one", mask)
    mask = np.ones((2, 2, 4, 3), bool)
    mask[..., :2, :] = False
    tfprune.set_mask(model, "two", mask)
    assert filter_log.text(model) == "one 2 of 3 101\ntwo 2 of 4 0011"


@pytest.mark.parametrize(
    "structure", [structures.Filter(), structures.CoupledFilter()]
)
def test_a_file_that_grows_with_each_epoch(structure, tmp_path):
    model = pruned(methods.FilterRanking(stages=1, structure=structure))
    path = tmp_path / "logs" / "masks.log"
    for _ in range(2):  # Begun anew.
        fit(model, path, epochs=2)
    lines = path.read_text().splitlines()
    assert [x for x in lines if "epoch" in x] == ["epoch 0", "epoch 1"]
    assert lines[-len(filter_log.filters_kept(model)) :] == (
        filter_log.text(model).splitlines()
    )


def test_single_weights_are_refused(tmp_path):
    model = pruned(methods.Magnitude())
    with pytest.raises(ValueError, match="pruned by filters. Received: model="):
        fit(model, tmp_path / "masks.log")
    assert not list(tmp_path.iterdir())
