"""A small pruned net that has learned something, and its data."""

import functools

import keras
import numpy as np

import tfprune
from tfprune.core import units


def data(examples=60, seed=0):
    random = np.random.default_rng(seed)
    x = random.normal(size=(examples, 6, 6, 2)).astype("float32")
    y = (x.mean(axis=(1, 2)) > 0) @ [1, 2]
    return x, y


def dense():
    model = _net()
    model.set_weights(_learned())
    return model


@functools.cache
def _learned():
    model = _net()
    model.compile(
        keras.optimizers.Adam(0.02),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    model.fit(*data(400, seed=1), epochs=15, verbose=0)
    return model.get_weights()


def _net():
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            keras.layers.Conv2D(4, 3, name="conv", bias_initializer="normal"),
            keras.layers.Flatten(name="flatten"),
            keras.layers.Dense(8, "relu", name="hidden"),
            keras.layers.Dense(4, name="out", bias_initializer="normal"),
        ]
    )


def pruned(method=None, compiled=False, wrap=False):
    method = method or tfprune.methods.Surgery(c=0.0)
    model = tfprune.prune(dense(), method, wrap=wrap)
    if compiled:
        model.compile(
            tfprune.PruningOptimizer("sgd"),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
    return model


def targets(model):
    return [
        target
        for unit in units.tagged(model.variables)
        for target in unit.targets
    ]


def masks(model):
    return [target.mask.numpy() for target in targets(model)]
