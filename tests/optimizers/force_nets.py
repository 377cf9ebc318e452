"""A small net under force, and how it is trained."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

import tfprune
from tfprune.core import units

CONSTANT = {"force_decay": 0.05, "force_type": "constant"}
INNER = {
    "sgd": lambda: keras.optimizers.SGD(0.05),
    "momentum": lambda: keras.optimizers.SGD(
        0.05, momentum=0.9, weight_decay=1e-2
    ),
    "adamw": lambda: keras.optimizers.AdamW(0.01, clipnorm=0.1),
}


def net(groups=1, extras=True):
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((6, 6, 4)),
            layers.Conv2D(8, 3, groups=groups, name="conv"),
            *([layers.BatchNormalization(name="bn")] if extras else []),
            layers.ReLU(name="relu"),
            layers.Conv2D(6, 1, name="point"),
            layers.Flatten(name="flatten"),
            layers.Dense(4, name="out"),
        ]
    )


def data():
    random = np.random.default_rng(0)
    x = random.normal(size=(64, 6, 6, 4)).astype("float32")
    return x, random.integers(0, 4, 64)


def compiled(optimizer, model=None, **arguments):
    model = model or net()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, **arguments)
    return model


def train(model):
    model.fit(*data(), 8, shuffle=False, verbose=0)
    return model


def forced(inner="momentum", model=None, **arguments):
    force = {**CONSTANT, **arguments.pop("force", {})}
    optimizer = tfprune.optimizers.ForceRegularized(INNER[inner](), **force)
    return compiled(optimizer, model, **arguments)


def assert_same(one, other, tolerance=0.0):
    for a, b in zip(one.weights, other.weights, strict=True):
        np.testing.assert_allclose(a, b, 0, tolerance, err_msg=a.path)
    for a, b in zip(_targets(one), _targets(other), strict=True):
        np.testing.assert_array_equal(a.mask, b.mask, a.variable.path)
        np.testing.assert_allclose(a.dense(), b.dense(), 0, tolerance)


def _targets(model):
    found = units.tagged(model.variables)
    return [target for unit in found for target in unit.targets]


def two_replicas():
    # Two strategies of one process may not both use collectives.
    return tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"], tf.distribute.ReductionToOneDevice()
    )
