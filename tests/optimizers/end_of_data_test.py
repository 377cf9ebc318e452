"""Data of unknown size end in the middle of a step, which changes nothing."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfprune
from tfprune.core import units

BATCHES, SIZE = 5, 8
METHODS = {
    "magnitude": lambda: tfprune.methods.Magnitude(0.5, frequency=2),
    "surgery": lambda: tfprune.methods.Surgery(c=0.0),
    "threshold_surgery": lambda: tfprune.methods.ThresholdSurgery(),
    "olmp": lambda: tfprune.methods.OLMP(c=0.5),
}
OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(0.05, momentum=0.9),
    "averages": lambda: keras.optimizers.Adam(use_ema=True),
}


def data(is_known):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(BATCHES * SIZE, 64)).astype("float32")
    y = rng.integers(0, 10, len(x))
    batches = tf.data.Dataset.from_tensor_slices((x, y)).batch(SIZE)
    return batches if is_known else batches.filter(lambda x, y: True)


class Watch(keras.callbacks.Callback):
    """What a validation or a checkpoint at the end of an epoch would see."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_epoch_end(self, epoch, logs=None):
        tagged = units.tagged(self.model.trainable_variables)
        targets = [target for unit in tagged for target in unit.targets]
        self.seen.append(
            {
                "updates": [int(unit.updates.numpy()) for unit in tagged],
                "iterations": int(self.model.optimizer.iterations.numpy()),
                "weights": [x.variable.numpy() for x in targets],
                "dense": [target.dense() for target in targets],
            }
        )


def seen(is_known, method, optimizer, wrap):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((64,)),
            # Large enough for ops that need no data to be done before.
            keras.layers.Dense(700, "relu"),
            keras.layers.Dense(700, "relu"),
            keras.layers.Dense(10),
        ]
    )
    model = tfprune.prune(model, METHODS[method](), wrap=wrap)
    model.compile(
        tfprune.PruningOptimizer(OPTIMIZERS[optimizer]()),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    watch = Watch()
    model.fit(
        data(is_known), epochs=3, shuffle=False, verbose=0, callbacks=[watch]
    )
    return watch.seen


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
@pytest.mark.filterwarnings("ignore:.*masks")
@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("method", METHODS)
def test_an_epoch_ends_as_one_of_known_size(method, optimizer, wrap):
    expected, found = (
        seen(is_known, method, optimizer, wrap) for is_known in (True, False)
    )
    assert expected[-1]["iterations"] == 3 * BATCHES
    for one, other in zip(expected, found, strict=True):
        keras.tree.map_structure(np.testing.assert_array_equal, other, one)
