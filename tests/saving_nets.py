"""Small nets, pruned, compiled and trained, that tests save and load."""

import keras
import numpy as np

import tfprune
from tests import saving_process
from tfprune import methods

# Keras drops what an optimizer that is not built is to load, and says so.
SLOTS = "ignore:Skipping variable loading"
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(32, 4)).astype("float32")
Y = RANDOM.normal(size=(32, 3)).astype("float32")


def assert_same(one, other, optimizer=True):
    one, other = (saving_process.known(x, optimizer) for x in (one, other))
    different = [
        key
        for key in {**one, **other}
        if key not in one
        or key not in other
        or not np.array_equal(
            one[key].astype(float), other[key].astype(float), equal_nan=True
        )
    ]
    assert not different


def net(seed=1):
    keras.utils.set_random_seed(seed)
    x = keras.Input((4,))
    hidden = keras.layers.Dense(6, "relu", name="a")(x)
    return keras.Model(x, keras.layers.Dense(3, name="b")(hidden))


def pruned(seed=1, method=None, of=net, **kwargs):
    method = method or methods.Surgery(0.5, gamma=0.1)
    return tfprune.prune(of(seed), method, **kwargs)


def compiled(model, optimizer=None):
    optimizer = optimizer or tfprune.PruningOptimizer(
        keras.optimizers.SGD(0.1, momentum=0.9)
    )
    model.compile(optimizer, "mse", run_eagerly=True)
    return model


def trained(model, steps=3):
    for step in range(steps):
        rows = slice(8 * step, 8 * step + 8)
        model.train_on_batch(X[rows], Y[rows])
    return model


def masked(model):
    """The model, with a mask that no step has made."""
    layer = next(iter(tfprune.settings(model)))
    mask = np.ones((4, 6), bool)
    mask[0] = False
    tfprune.set_mask(model, layer, mask)
    return model


def reloaded(model, path):
    model.save(path / "model.keras")
    return keras.models.load_model(path / "model.keras")


def with_weights_of(saved, model, path):
    saved.save_weights(path / "model.weights.h5")
    model.load_weights(path / "model.weights.h5")
    return model


@keras.saving.register_keras_serializable("saving_nets")
class Subclassed(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.a = keras.layers.Dense(6, "relu", name="a")
        self.b = keras.layers.Dense(3, name="b")

    def call(self, x):
        return self.b(self.a(x))


@keras.saving.register_keras_serializable("saving_nets")
class Custom(keras.Model):
    def __init__(self, width=6, **kwargs):
        x = keras.Input((4,))
        hidden = keras.layers.Dense(width, "relu", name="a")(x)
        y = keras.layers.Dense(3, name="b")(hidden)
        super().__init__(x, y, **kwargs)
        self.width = width

    def get_config(self):
        return {"width": self.width}


def subclassed(seed):
    keras.utils.set_random_seed(seed)
    model = Subclassed()
    model(X)
    return model


def custom(seed):
    keras.utils.set_random_seed(seed)
    return Custom()


def nested(seed, inner=None):
    keras.utils.set_random_seed(seed)
    x = keras.Input((4,))
    inner = inner or net(seed)
    return keras.Model(x, keras.layers.Dense(3, name="a")(inner(x)))


def sequential(seed):
    keras.utils.set_random_seed(seed)
    parts = [
        keras.Sequential([keras.Input((4,)), keras.layers.Dense(6, name="d")]),
        keras.Sequential([keras.Input((6,)), keras.layers.Dense(3, name="d")]),
    ]
    return keras.Sequential([keras.Input((4,)), *parts])


KINDS = [subclassed, custom, nested, sequential]
