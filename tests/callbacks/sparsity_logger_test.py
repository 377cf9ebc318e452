import csv

import keras
import numpy as np
import pytest

import tfprune
from tfprune.callbacks import SparsityLogger


class _Spy(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(logs["sparsity"])


class _Halve(keras.callbacks.Callback):
    """Prunes half of `ip` from the third batch on."""

    def on_train_batch_begin(self, batch, logs=None):
        if batch == 2:
            tfprune.set_mask(self.model, "ip", np.indices((4, 6))[1] < 3)


def _model():
    conv = keras.layers.Conv1D(4, 1, use_bias=False, name="conv")
    stack = [keras.Input((1, 2)), conv, keras.layers.Flatten()]
    model = keras.Sequential([*stack, keras.layers.Dense(6, name="ip")])
    never = tfprune.methods.Magnitude(begin_step=1000)
    model = tfprune.prune(model, never)
    model.compile(tfprune.PruningOptimizer("sgd"), "mse")
    return model


def _fit(model, *callbacks, **kwargs):
    x, y = np.ones((8, 1, 2)), np.ones((8, 6))
    settings = {"batch_size": 1, "verbose": 0, **kwargs}
    return model.fit(x, y, callbacks=list(callbacks), **settings)


def test_later_callbacks_and_the_history_see_the_sparsity(tmp_path):
    path = tmp_path / "log.csv"
    logger = keras.callbacks.CSVLogger(path)
    history = _fit(_model(), _Halve(), SparsityLogger(), logger).history
    with open(path) as file:
        (row,) = csv.DictReader(file)
    assert history["sparsity"] == [float(row["sparsity"])] == [12 / 32]
    assert history["conv_sparsity"] == [0.0]
    assert history["dense_sparsity"] == [float(row["dense_sparsity"])] == [0.5]


def test_layers_are_logged_by_name():
    logger = SparsityLogger(per_layer=True)
    history = _fit(_model(), _Halve(), logger).history
    assert history["sparsity/conv"] == [0.0]
    assert history["sparsity/ip"] == [0.5]


def test_masks_are_read_every_few_batches():
    spy = _Spy()
    _fit(_model(), _Halve(), SparsityLogger(frequency=4), spy)
    assert spy.seen == [0.0] * 4 + [12 / 32] * 4


def test_the_progress_bar_shows_the_last_value(capsys):
    _fit(_model(), _Halve(), SparsityLogger(), verbose=2)
    assert "sparsity: 0.3750" in capsys.readouterr().out


def test_misuse_is_refused():
    with pytest.raises(ValueError, match="frequency"):
        SparsityLogger(frequency=0)
    plain = keras.Sequential([keras.Input((1, 2)), keras.layers.Dense(6)])
    plain.compile("sgd", "mse")
    with pytest.raises(ValueError, match="tfprune.prune"):
        _fit(plain, SparsityLogger())
