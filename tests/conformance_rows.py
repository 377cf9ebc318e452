"""The conformance table: a row for each method, and how rows are trained."""

import dataclasses
import typing

import keras
import numpy as np
import pytest
from keras import ops

import tfprune
from tfprune import methods
from tfprune.core import units


@dataclasses.dataclass
class Row:
    """What a method promises.

    make: a method that prunes within a few steps.
    nothing: the same method, set to prune nothing; None where it can't.
    sparsity: the exact sparsity of kernels in the end; None where open.
    returns: whether a pruned weight may come back.
    hidden: whether masked weights keep receiving gradients.
    """

    make: typing.Callable
    nothing: typing.Callable | None
    sparsity: float | None
    returns: bool
    hidden: bool


ROWS = {
    "filter_ranking": Row(
        lambda: methods.FilterRanking(
            0.5, stages=2, stage_steps=4, dense=True, settings={"out": None}
        ),
        lambda: methods.FilterRanking(0.0),
        None,
        True,
        True,
    ),
    "guided": Row(
        lambda: methods.Guided(1e-3, threshold=0.02, factor=4.0),
        lambda: methods.Guided(0.0, threshold=0.0),
        None,
        True,
        False,
    ),
    "force": Row(
        lambda: methods.Force(
            0.05, "constant", method=methods.Magnitude(0.75, frequency=2)
        ),
        lambda: methods.Force(0.0, method=methods.Magnitude(0.0, frequency=1)),
        0.75,
        False,
        False,
    ),
    "l1_winograd": Row(
        lambda: methods.L1Winograd(1e-3, threshold=0.1),
        lambda: methods.L1Winograd(0.0, threshold=0.0),
        None,
        True,
        False,
    ),
    "magnitude": Row(
        lambda: methods.Magnitude(0.75, frequency=2),
        lambda: methods.Magnitude(0.0, frequency=1),
        0.75,
        False,
        False,
    ),
    "nm": Row(lambda: methods.NM(1, 4, frequency=2), None, 0.75, False, False),
    "olmp": Row(
        lambda: methods.OLMP(c=0.5, gamma=0.1),
        lambda: methods.OLMP(c=-1e3, lower=-1e3, gamma=0.0),
        None,
        True,
        True,
    ),
    "ssl": Row(
        lambda: methods.SSL(
            0.1, shapes=0.5, threshold=0.2, settings={"out": None}
        ),
        lambda: methods.SSL(0.0, 0.0, 0.0, 0.0),
        None,
        False,
        False,
    ),
    "surgery": Row(
        lambda: methods.Surgery(0.7, gamma=0.1),
        lambda: methods.Surgery(c=-1e3, gamma=0.0),
        None,
        True,
        True,
    ),
    "threshold_surgery": Row(
        lambda: methods.ThresholdSurgery(gamma=0.1),
        lambda: methods.ThresholdSurgery(1e-30, gamma=0.0),
        None,
        True,
        True,
    ),
    "winograd": Row(
        lambda: methods.Winograd(1e-3, threshold=0.3, factor=4.0),
        lambda: methods.Winograd(0.0, threshold=0.0),
        None,
        True,
        False,
    ),
}
OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(0.05),
    "momentum": lambda: keras.optimizers.SGD(
        0.05, momentum=0.9, weight_decay=1e-2
    ),
    "adam": lambda: keras.optimizers.Adam(0.01),
    "adamw": lambda: keras.optimizers.AdamW(0.01, clipnorm=0.1),
    "ema": lambda: keras.optimizers.SGD(
        0.05, momentum=0.9, use_ema=True, ema_overwrite_frequency=3
    ),
}
# Not a column of every property.
OTHERS = {
    "accumulation": lambda: keras.optimizers.SGD(
        0.05, momentum=0.9, gradient_accumulation_steps=2
    ),
    "adamw_ema": lambda: keras.optimizers.AdamW(
        0.01, clipnorm=0.1, use_ema=True, ema_overwrite_frequency=3
    ),
}
EXAMPLES, BATCH = 64, 8


def data():
    random = np.random.default_rng(0)
    x = random.normal(size=(EXAMPLES, 6, 6, 4)).astype("float32")
    y = random.integers(0, 4, EXAMPLES)
    return x, y


def net(extras=True, winograd=False):
    """A small net; extras make it depend on statistics."""
    keras.utils.set_random_seed(1)
    layers = [
        keras.Input((6, 6, 4)),
        keras.layers.Conv2D(8, 3, name="conv", bias_initializer="normal"),
        *([keras.layers.BatchNormalization(name="bn")] if extras else []),
        keras.layers.ReLU(name="relu"),
        keras.layers.Flatten(name="flatten"),
        keras.layers.Dense(
            12, "relu", name="hidden", bias_initializer="normal"
        ),
        keras.layers.Dense(4, name="out", bias_initializer="normal"),
    ]
    model = keras.Sequential(layers)
    return tfprune.to_winograd(model) if winograd else model


def net_for(method, extras=True):
    return net(extras, method.name == "winograd")


@pytest.mark.filterwarnings("ignore:.*skips these layers")
def pruned(method, optimizer="momentum", extras=True, wrap=False, **compile):
    model = tfprune.prune(net_for(method, extras), method, wrap=wrap)
    inner = {**OPTIMIZERS, **OTHERS}[optimizer]()
    model.compile(
        tfprune.PruningOptimizer(inner),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        **compile,
    )
    return model


def train(model, epochs=1):
    x, y = data()
    model.fit(x, y, BATCH, epochs, shuffle=False, verbose=0)
    return model


def values(model):
    """Pairs (name, array) of all that a model holds, pruning included."""
    found = [(x.path, ops.convert_to_numpy(x)) for x in model.variables]
    for unit in units.tagged(model.variables):
        own = {"updates": unit.updates, "settings": unit.settings.variable}
        found += [(f"{unit.name}/{x}", own[x].numpy()) for x in own]
        for target in unit.targets:
            name = f"{unit.name}/{target.role}"
            found.append((f"{name}/mask", target.mask.numpy()))
            found.append((f"{name}/dense", target.dense()))
    return found


def masks(model):
    return {
        f"{unit.name}/{target.role}": target.mask.numpy()
        for unit in units.tagged(model.variables)
        for target in unit.targets
    }


def assert_same(one, other, tolerance=0.0):
    one, other = values(one), values(other)
    assert len(one) == len(other)
    for (path, a), (_, b) in zip(one, other, strict=True):
        close = np.allclose(a, b, 0, tolerance, equal_nan=True)
        assert close, f"{path} differs by {np.nanmax(np.abs(a - b))}"
