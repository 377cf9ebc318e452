import keras
import numpy as np
import pytest
from keras import layers

import tfprune


def fit(logger, *more, **arguments):
    model = keras.Sequential(
        [keras.Input((6,)), layers.Dense(5, name="a"), layers.Dense(4)]
    )
    model.compile("sgd", "mse", **arguments)
    x, y = np.ones((48, 6)), np.ones((48, 4))
    return model.fit(x, y, 8, 2, verbose=0, callbacks=[logger, *more])


class Look(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(logs.get("rank/a"))


def test_ranks_at_the_ends_of_epochs():
    look = Look()
    found = fit(tfprune.callbacks.RankLogger(), look)
    expected = tfprune.compress.spectra(found.model).ranks()
    assert found.history["rank/a"][-1] == expected["a"]
    assert len(found.history["rank/a"]) == 2
    assert look.seen == [None] * 12


@pytest.mark.parametrize("steps", [1, 2])
def test_ranks_every_so_many_batches(steps):
    look = Look()
    fit(
        tfprune.callbacks.RankLogger(0.9, frequency=4),
        look,
        steps_per_execution=steps,
    )
    none = 3 if steps == 1 else 1
    assert look.seen[:none] == [None] * none
    assert all(isinstance(x, int) for x in look.seen[none : 6 // steps])


@pytest.mark.parametrize(
    "arguments", [{"energy": 2}, {"frequency": 0}, {"method": "pcs"}]
)
def test_bad_input(arguments):
    with pytest.raises(ValueError, match="must be"):
        tfprune.callbacks.RankLogger(**arguments)
