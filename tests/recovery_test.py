"""The recipe of recovery: a pruned net learns from the dense one.

keras.distillation trains the student from a net of the same weights. By
name, `"kl_divergence"`, its loss would take logits for probabilities.
"""

import keras
import numpy as np
from keras import layers

import tfprune
from tfprune import methods
from tfprune.graph import pruned


def teacher():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.Conv2D(8, 3, activation="relu", name="conv"),
            layers.Flatten(),
            layers.Dense(4, name="out"),
        ]
    )


def distillation():
    return keras.distillation.LogitsDistillation(
        temperature=2.0, loss=keras.losses.KLDivergence()
    )


def distil(teacher, student, optimizer):
    distiller = keras.distillation.Distiller(
        teacher,
        student,
        distillation(),
        student_loss_weight=0.1,
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    distiller.compile(optimizer, loss)
    x = images()
    y = np.argmax(teacher(x), axis=-1)
    distiller.fit(x, y, 16, verbose=0)
    return distiller.student


def images():
    random = np.random.default_rng(0)
    return random.normal(size=(64, 6, 6, 1)).astype("float32")


def test_a_method_runs_while_its_net_is_distilled():
    dense = teacher()
    weights = dense.get_weights()
    student = tfprune.prune(teacher(), methods.Magnitude(0.8, frequency=1))
    student = distil(dense, student, tfprune.PruningOptimizer("sgd"))
    unit = pruned.units(student)["conv"]
    (target,) = unit.targets
    assert int(unit.updates) == 4
    assert target.mask.numpy().mean() < 0.25
    assert not np.any(target.variable.numpy()[~target.mask.numpy()])
    for before, now in zip(weights, dense.get_weights(), strict=True):
        np.testing.assert_array_equal(before, now)


def test_the_loss_is_that_of_softened_probabilities():
    """KL divergence of softmax(logits / T), times T squared."""
    random = np.random.default_rng(0)
    logits = random.normal(size=(2, 5, 4)).astype("float32")
    p, q = np.exp(logits / 2.0)
    p, q = (x / x.sum(axis=1, keepdims=True) for x in (p, q))
    expected = 4 * (p * np.log(p / q)).sum(axis=1).mean()
    found = distillation().compute_loss(*map(keras.ops.array, logits))
    np.testing.assert_allclose(found, expected, 1e-4)
